//! What each button does: one call of a model at most, its outcome kept, and back to the project's page, which can be loaded anew without
//! doing anything twice.

use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use futures_util::future::join_all;
use serde::Deserialize;

use crate::{error::Error, gateway::Purpose, models, person::Person, project::Step, server::Studio, store::Key};

/// What a new project begins with.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    description: String,
}

/// What somebody answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// The question that it answers: another one may wait by the time a form is sent again.
    round: u32,
    answer: String,
}

type Done = Result<Redirect, Error>;

/// `POST /projects`
pub(crate) async fn create(State(studio): State<Studio>, person: Person, Form(form): Form<Description>) -> Done {
    let key = studio.store.add(&person.id, form.description).await?;
    feasibility_of(&studio, &person, &key).await
}

/// `POST /projects/{id}/feasibility`: the first time, after a failure, and after a rejection.
pub(crate) async fn feasibility(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    feasibility_of(&studio, &person, &key(&person, id)).await
}

async fn feasibility_of(studio: &Studio, person: &Person, key: &Key) -> Done {
    let project = studio.store.project(key).await?;
    if matches!(project.step(), Step::Unknown | Step::Rejected) {
        match models::feasibility(&studio.gateway, purpose(person, key), &project).await {
            Ok(feasibility) => studio.store.set_feasibility(key, project.description, &feasibility).await?,
            Err(failure) => studio.store.set_failure(key, failure).await?,
        }
    }
    Ok(back(key))
}

/// `POST /projects/{id}/revised`: the rejection's proposal becomes the description.
pub(crate) async fn revised(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    let key = key(&person, id);
    let project = studio.store.project(&key).await?;
    let Some(revised) = project.feasibility.filter(|one| !one.feasible).and_then(|one| one.revised) else {
        return Ok(back(&key));
    };
    studio.store.describe(&key, revised).await?;
    feasibility_of(&studio, &person, &key).await
}

/// `POST /projects/{id}/question`: asks for the next question.
pub(crate) async fn question(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    question_of(&studio, &person, &key(&person, id)).await
}

async fn question_of(studio: &Studio, person: &Person, key: &Key) -> Done {
    let project = studio.store.project(key).await?;
    if project.step() == Step::Questions && project.pending().is_none() {
        let asked = models::next_question(&studio.gateway, &studio.refine_path, purpose(person, key), &project).await;
        match asked {
            Ok(asked) => studio.store.set_question(key, asked).await?,
            Err(failure) => studio.store.set_failure(key, failure).await?,
        }
    }
    Ok(back(key))
}

/// `POST /projects/{id}/answer`: keeps the answer, and asks for the next question unless that was the last.
pub(crate) async fn answer(
    State(studio): State<Studio>,
    person: Person,
    Path(id): Path<String>,
    Form(form): Form<Answer>,
) -> Done {
    let key = key(&person, id);
    studio.store.answer(&key, form.round, form.answer).await?;
    question_of(&studio, &person, &key).await
}

/// `POST /projects/{id}/enough`: no more questions.
pub(crate) async fn enough(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    let key = key(&person, id);
    if studio.store.project(&key).await?.step() == Step::Questions {
        studio.store.finish_questions(&key).await?;
    }
    Ok(back(&key))
}

/// `POST /projects/{id}/blueprints`: draws what has no picture, each by a call of its own, so that one that fails takes none with it.
pub(crate) async fn blueprints(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    let key = key(&person, id);
    let project = studio.store.project(&key).await?;
    if project.step() == Step::Design {
        let drawings = project.undrawn().into_iter().map(async |view| {
            let drawn = models::picture(&studio.gateway, purpose(&person, &key), &project, view).await;
            studio.store.set_blueprint(&key, view, drawn).await
        });
        join_all(drawings).await.into_iter().collect::<Result<(), Error>>()?;
    }
    Ok(back(&key))
}

/// `POST /projects/{id}/specification`: the first time, and after a failure.
pub(crate) async fn specification(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    let key = key(&person, id);
    let project = studio.store.project(&key).await?;
    if project.step() == Step::Design && project.specification.is_none() {
        match models::specification(&studio.gateway, purpose(&person, &key), &project).await {
            Ok(specification) => studio.store.set_specification(&key, &specification).await?,
            Err(failure) => studio.store.set_failure(&key, failure).await?,
        }
    }
    Ok(back(&key))
}

/// `POST /projects/{id}/delete`
pub(crate) async fn delete(State(studio): State<Studio>, person: Person, Path(id): Path<String>) -> Done {
    studio.store.delete(&key(&person, id)).await?;
    Ok(Redirect::to("/"))
}

fn key(person: &Person, id: String) -> Key {
    Key { owner: person.id.clone(), id }
}

fn purpose<'a>(person: &'a Person, key: &'a Key) -> Purpose<'a> {
    Purpose { person, project: &key.id }
}

fn back(key: &Key) -> Redirect {
    Redirect::to(&format!("/projects/{}", key.id))
}
