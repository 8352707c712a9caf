//! What a project has cost so far, for the application to show: `GET /llm/usage?project=ID`, of its own calls alone; with `&route=NAME`, of
//! those of one route.

use std::time::Duration;

use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request,
};
use seawall_core::{http::percent, problem::Problem};
use seawall_store::Db;
use tokio::time::timeout;

use super::{fields::LONGEST_NAME, ledger, record::Records};
use crate::{
    body::whole,
    caller::Caller,
    problem::{BAD_CALL, NO_ROOM},
    service::Answered,
};

/// What follows `/llm` in the path.
pub(crate) const PATH: &str = "/usage";

/// How long rows are waited for that are on their way into the store. Without them the sums are those of a moment ago.
const FRESH: Duration = Duration::from_secs(1);

/// Answers what the calls of this key used whose `X-Seawall-Project` was the project of the query.
pub(crate) async fn answer(
    head: &request::Parts,
    caller: &Caller,
    records: &Records,
    db: &Db,
) -> Result<Answered, Box<Problem>> {
    let Asked { project, route } = asked(head.uri.query().unwrap_or_default()).ok_or_else(|| {
        let detail = "The query is `project=ID`, and `&route=NAME` for one route, percent-encoded, of 1 to 200 bytes.";
        Problem::new(&BAD_CALL).detail(detail)
    })?;
    let _late = timeout(FRESH, records.flush_unless_crowded()).await;
    let unknown = |error: seawall_store::StoreError| Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string());
    let line = ledger::of_project(db, &caller.key, &project, route.as_deref()).await.map_err(unknown)?;
    let mut response = Response::new(whole(line.json().to_string().into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Answered { response, attempts: 0 })
}

/// What a query names.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    project: String,
    route: Option<String>,
}

/// Reads a query. The application's key may stand there too, as clients of Gemini write it.
fn asked(query: &str) -> Option<Asked> {
    let (mut project, mut route) = (None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=')?;
        let named = match name {
            "project" => &mut project,
            "route" => &mut route,
            "key" => continue,
            _ => return None,
        };
        let text = percent::decoded(text, true).filter(|text| (1..=LONGEST_NAME).contains(&text.len()))?.into_owned();
        if named.replace(text).is_some() {
            return None;
        }
    }
    Some(Asked { project: project?, route })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_project() {
        for (query, named) in [
            ("project=prj_1", Some("prj_1")),
            ("project=a%20b+c%C3%A4&key=secret", Some("a b cä")),
            ("", None),
            ("project=", None),
            ("project=a&project=b", None),
            ("project=a&by=day", None),
            ("project=%4", None),
            ("project=%FF", None),
            ("project", None),
        ] {
            assert_eq!(asked(query).map(|asked| asked.project).as_deref(), named, "{query}");
        }
        let long = "a".repeat(LONGEST_NAME);
        assert_eq!(asked(&format!("project={long}")).map(|asked| asked.project), Some(long.clone()));
        assert_eq!(asked(&format!("project={long}a")), None);
        let of_route = Asked { project: "a".to_owned(), route: Some("refine".to_owned()) };
        assert_eq!(asked("route=refine&project=a"), Some(of_route));
        assert_eq!(asked("route=refine"), None);
    }
}
