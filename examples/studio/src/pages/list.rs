//! The first page: a new project, and those that are there.

use axum::extract::{Query, State};
use serde::Deserialize;

use super::{Page, grouped, page};
use crate::{
    error::Error,
    markup::Markup,
    person::Person,
    project::MOST_DESCRIPTION,
    server::Studio,
    store::{Listed, PAGE},
};

/// Characters of a description that the list shows.
const SHOWN: usize = 70;

/// Which page of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    before: Option<i64>,
}

/// `GET /`
pub(crate) async fn list(
    State(studio): State<Studio>,
    person: Person,
    Query(wanted): Query<Wanted>,
) -> Result<Page, Error> {
    let mut projects = studio.store.list(&person.id, wanted.before).await?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = projects.len() > most;
    projects.truncate(most);
    let next = projects.last().filter(|_| more).map(|last| last.number);
    Ok(page("Projects", |markup| {
        describe(markup);
        listed(markup, &projects);
        markup.raw("<nav class=\"actions\" aria-label=\"Pages\">");
        if wanted.before.is_some() {
            markup.raw("<a href=\"/\">Latest projects</a>");
        }
        if let Some(next) = next {
            markup.raw("<a rel=\"next\" href=\"/?before=").text(&next.to_string()).raw("\">Earlier projects</a>");
        }
        markup.raw("</nav>");
    }))
}

fn describe(markup: &mut Markup) {
    markup
        .raw("<form method=\"post\" action=\"/projects\"><label for=\"description\">Describe a product</label>")
        .raw("<textarea id=\"description\" name=\"description\" required autocomplete=\"off\" data-operation=\"/projects\" aria-describedby=\"left\"></textarea>")
        .raw("<p id=\"left\" class=\"hint\" role=\"status\">At most ")
        .text(&grouped(MOST_DESCRIPTION))
        .raw(" characters.</p><button>Begin</button></form>");
}

fn listed(markup: &mut Markup, projects: &[Listed]) {
    markup.raw("<h2>Your projects</h2>");
    if projects.is_empty() {
        markup.raw("<p>There are none.</p>");
        return;
    }
    markup.raw("<ul class=\"projects\">");
    for project in projects {
        let mut shown: String = project.description.chars().take(SHOWN).collect();
        if project.description.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        markup.raw("<li><a href=\"/projects/").text(&project.id).raw("\">").text(&shown).raw("</a></li>");
    }
    markup.raw("</ul>");
}
