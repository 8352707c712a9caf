//! The page of a project: what is known of it, and the buttons of the step at which it stands.

use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{Page, grouped, page};
use crate::{
    error::Error,
    gateway::Spent,
    markup::Markup,
    person::Person,
    project::{Blueprint, Feasibility, MOST_ANSWER, Project, Round, Specification, Step, VIEWS},
    server::Studio,
    store::Key,
};

/// `GET /projects/{id}`
pub(crate) async fn project(
    State(studio): State<Studio>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Page, Error> {
    let project = studio.store.project(&Key { owner: person.id, id }).await?;
    let spent = studio.gateway.spent(&project.id).await;
    Ok(shown(&project, spent.as_ref()))
}

/// `GET /projects/{id}/delete`: asks first.
pub(crate) async fn deletion(
    State(studio): State<Studio>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Page, Error> {
    let project = studio.store.project(&Key { owner: person.id, id }).await?;
    Ok(page("Delete this project?", |markup| {
        markup.raw("<div class=\"given\">").text(&project.description);
        markup.raw("</div><p>Nothing of it is kept but what it has cost.</p><div class=\"actions\">");
        button(markup, &project, "delete", "Delete for good", "");
        markup.raw("<a href=\"/projects/").text(&project.id).raw("\">Keep it</a></div>");
    }))
}

/// `GET /projects/{id}/blueprints/{view}`
pub(crate) async fn picture(
    State(studio): State<Studio>,
    person: Person,
    Path((id, view)): Path<(String, String)>,
) -> Result<impl IntoResponse, Error> {
    let picture = studio.store.picture(&Key { owner: person.id, id }, view).await?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "private, max-age=3600")], picture))
}

fn shown(project: &Project, spent: Option<&Spent>) -> Page {
    page("Project", |markup| {
        markup.raw("<div class=\"given\">").text(&project.description).raw("</div>");
        cost(markup, spent);
        if let Some(failure) = &project.failure {
            markup.raw("<p class=\"alert\" role=\"alert\">").text(failure).raw("</p>");
        }
        match project.step() {
            Step::Unknown => unknown(markup, project),
            Step::Rejected => rejected(markup, project),
            Step::Questions => {
                feasible(markup, project.feasibility.as_ref());
                questions(markup, project);
            }
            Step::Design => {
                feasible(markup, project.feasibility.as_ref());
                answered(markup, &project.rounds);
                blueprints(markup, project);
                specification(markup, project);
            }
        }
        markup
            .raw("<p class=\"end\"><a href=\"/projects/")
            .text(&project.id)
            .raw("/delete\">Delete this project</a></p>");
    })
}

fn cost(markup: &mut Markup, spent: Option<&Spent>) {
    markup.raw("<p class=\"cost\">");
    match spent {
        Some(spent) => {
            let calls = if spent.calls == 1 { " call of a model.</p>" } else { " calls of models.</p>" };
            markup.raw("Cost so far: $").text(&spent.cost).raw(", ").text(&spent.calls.to_string()).raw(calls);
        }
        None => {
            markup.raw("What it has cost is not known at the moment.</p>");
        }
    }
}

/// A button that does one step.
fn button(markup: &mut Markup, project: &Project, step: &'static str, label: &'static str, class: &'static str) {
    markup
        .raw("<form method=\"post\" action=\"/projects/")
        .text(&project.id)
        .raw("/")
        .raw(step)
        .raw("\"><button class=\"")
        .raw(class)
        .raw("\">")
        .raw(label)
        .raw("</button></form>");
}

/// The label of a step that may have failed.
const fn or_again(project: &Project, label: &'static str) -> &'static str {
    if project.failure.is_some() { "Try again" } else { label }
}

fn unknown(markup: &mut Markup, project: &Project) {
    markup.raw("<h2>Feasibility</h2><p>Nobody has looked yet whether it can be built.</p><div class=\"actions\">");
    button(markup, project, "feasibility", or_again(project, "Look whether it can be built"), "");
    markup.raw("</div>");
}

fn rejected(markup: &mut Markup, project: &Project) {
    markup.raw("<h2>It cannot be built as it is described</h2>");
    let revised = project.feasibility.as_ref().and_then(|feasibility| {
        markup.raw("<p>").text(&feasibility.reason).raw("</p>");
        feasibility.revised.as_ref()
    });
    if let Some(revised) = revised {
        markup.raw("<p>This could be built instead:</p><blockquote>").text(revised).raw("</blockquote>");
    }
    markup.raw("<div class=\"actions\">");
    if revised.is_some() {
        button(markup, project, "revised", "Use revised specification", "");
    }
    button(markup, project, "feasibility", "Try again", "quiet");
    markup.raw("</div>");
}

fn feasible(markup: &mut Markup, feasibility: Option<&Feasibility>) {
    let reason = feasibility.map(|feasibility| feasibility.reason.as_str()).unwrap_or_default();
    markup.raw("<h2>It can be built</h2><p>").text(reason).raw("</p>");
}

fn answered(markup: &mut Markup, rounds: &[Round]) {
    for round in rounds {
        if let Some(answer) = &round.answer {
            markup.raw("<h3>").text(&round.question).raw("</h3><div class=\"given\">").text(answer).raw("</div>");
        }
    }
}

fn questions(markup: &mut Markup, project: &Project) {
    markup.raw("<h2>Questions</h2>");
    answered(markup, &project.rounds);
    match project.pending() {
        Some(round) => {
            markup
                .raw("<form method=\"post\" action=\"/projects/")
                .text(&project.id)
                .raw("/answer\"><input type=\"hidden\" name=\"round\" value=\"")
                .text(&round.number.to_string())
                .raw("\"><label for=\"answer\">")
                .text(&round.question)
                .raw("</label><textarea id=\"answer\" name=\"answer\" required autocomplete=\"off\" data-operation=\"/projects/{id}/answer\" aria-describedby=\"left\"></textarea>")
                .raw("<p id=\"left\" class=\"hint\" role=\"status\">At most ")
                .text(&grouped(MOST_ANSWER))
                .raw(" characters.</p>");
            if round.last {
                markup.raw("<p class=\"hint\">This is the last question.</p>");
            }
            markup.raw("<button>Answer</button></form><div class=\"actions\">");
        }
        None => {
            markup.raw("<div class=\"actions\">");
            button(markup, project, "question", or_again(project, "Ask me"), "");
        }
    }
    button(markup, project, "enough", "Go on without more questions", "quiet");
    markup.raw("</div>");
}

fn blueprints(markup: &mut Markup, project: &Project) {
    markup.raw("<h2>Blueprints</h2><div class=\"views\">");
    for view in VIEWS {
        if let Some(blueprint) = project.blueprints.iter().find(|one| one.view == view) {
            one_view(markup, project, blueprint, view);
        }
    }
    markup.raw("</div>");
    if !project.undrawn().is_empty() {
        let label = if project.blueprints.is_empty() { "Draw it" } else { "Draw again what is missing" };
        markup.raw("<div class=\"actions\">");
        button(markup, project, "blueprints", label, "");
        markup.raw("</div>");
    }
}

fn one_view(markup: &mut Markup, project: &Project, blueprint: &Blueprint, view: &'static str) {
    markup.raw("<figure>");
    match &blueprint.failure {
        Some(failure) => {
            markup.raw("<p class=\"alert\">").text(failure).raw("</p>");
        }
        None => {
            markup.raw("<img alt=\"The product seen from: ").raw(view).raw("\" src=\"/projects/").text(&project.id);
            markup.raw("/blueprints/").raw(view).raw("\">");
        }
    }
    markup.raw("<figcaption>").raw(view).raw("</figcaption></figure>");
}

fn specification(markup: &mut Markup, project: &Project) {
    markup.raw("<h2>Specification</h2>");
    match &project.specification {
        Some(specification) => specified(markup, specification),
        None => {
            markup.raw("<div class=\"actions\">");
            button(markup, project, "specification", or_again(project, "Write the specification"), "");
            markup.raw("</div>");
        }
    }
}

/// Shows what is there, and says what is not.
fn specified(markup: &mut Markup, specification: &Specification) {
    for (label, text) in
        [("Name", &specification.name), ("Summary", &specification.summary), ("Dimensions", &specification.dimensions)]
    {
        let text = text.as_deref().unwrap_or("not given");
        markup.raw("<h3>").raw(label).raw("</h3><p>").text(text).raw("</p>");
    }
    markup.raw("<h3>Bill of materials</h3>");
    if specification.bill_of_materials.is_empty() {
        markup.raw("<p>The specification has no bill of materials.</p>");
    } else {
        markup.raw("<table><thead><tr><th scope=\"col\">Part</th><th scope=\"col\">Quantity</th><th scope=\"col\">Note</th></tr></thead><tbody>");
        for part in &specification.bill_of_materials {
            markup.raw("<tr><td>").text(&part.part).raw("</td><td>").text(part.quantity.as_deref().unwrap_or("?"));
            markup.raw("</td><td>").text(part.note.as_deref().unwrap_or_default()).raw("</td></tr>");
        }
        markup.raw("</tbody></table>");
    }
    markup.raw("<h3>Assembly</h3>");
    if specification.assembly.is_empty() {
        markup.raw("<p>The specification has no steps of assembly.</p>");
    } else {
        markup.raw("<ol>");
        for step in &specification.assembly {
            markup.raw("<li>").text(step).raw("</li>");
        }
        markup.raw("</ol>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn designed(specification: Option<Specification>) -> Project {
        Project {
            id: "prj_1".to_owned(),
            description: "<script>alert(1)</script>".to_owned(),
            feasibility: Some(Feasibility { feasible: true, reason: "Parts exist.".to_owned(), revised: None }),
            refined: true,
            specification,
            ..Project::default()
        }
    }

    #[test]
    fn st_10_a_specification_without_a_bill_of_materials_is_shown() {
        let specification = Specification { summary: Some("A lamp.".to_owned()), ..Specification::default() };
        let (_, page) = shown(&designed(Some(specification)), None);
        for part in ["A lamp.", "The specification has no bill of materials.", "not given", "no steps of assembly"] {
            assert!(page.0.contains(part), "{part}: {}", page.0);
        }
    }

    #[test]
    fn what_people_write_is_text_on_every_page() {
        let (_, page) = shown(&designed(None), None);
        assert!(page.0.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.0.contains("<script>"), "{}", page.0);
    }

    #[test]
    fn st_3_a_step_that_failed_can_be_tried_again() {
        let failed = |project: Project| {
            let (_, page) = shown(&Project { failure: Some("The model is busy.".to_owned()), ..project }, None);
            assert!(page.0.contains("role=\"alert\">The model is busy.<"), "{}", page.0);
            page.0.matches(">Try again<").count()
        };
        assert_eq!(failed(designed(None)), 1, "the specification");
        assert_eq!(failed(Project { refined: false, ..designed(None) }), 1, "the questions");
        assert_eq!(failed(Project { feasibility: None, ..designed(None) }), 1, "feasibility");
        let no = Feasibility { feasible: false, reason: String::new(), revised: Some("A lamp.".to_owned()) };
        let rejected = Project { feasibility: Some(no), ..designed(None) };
        assert_eq!(failed(rejected.clone()), 1, "a rejection");
        assert!(shown(&rejected, None).1.0.contains("Use revised specification"));
    }
}
