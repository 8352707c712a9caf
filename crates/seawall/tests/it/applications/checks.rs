//! The one table of checks, each run in front of every application that it suits.

mod answers;
mod callers;
mod failures;
mod limits;
mod refusals;
mod streams;

use std::pin::Pin;

use seawall_testkit::{StartedApp, TestApp, client::RawResponse};

use super::application::{Application, Kind};

/// One thing that holds in front of an application.
pub(crate) struct Check {
    /// What holds, as a sentence without its subject.
    pub(crate) name: &'static str,
    /// The guards that are seen at work.
    pub(crate) guards: &'static [&'static str],
    /// The applications it can be seen with.
    pub(crate) suits: Suits,
    /// Sees it, or panics.
    pub(crate) run: fn(Application) -> Run,
}

/// A check that runs.
type Run = Pin<Box<dyn Future<Output = ()>>>;

/// The applications that a check can be seen with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suits {
    /// All of them.
    All,
    /// Those that run code of their own: Express and FastAPI.
    WithCode,
}

impl Suits {
    /// Whether the check suits an application.
    pub(crate) fn holds(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::WithCode => kind != Kind::HttpServer,
        }
    }
}

const fn all(name: &'static str, guards: &'static [&'static str], run: fn(Application) -> Run) -> Check {
    Check { name, guards, suits: Suits::All, run }
}

const fn with_code(name: &'static str, guards: &'static [&'static str], run: fn(Application) -> Run) -> Check {
    Check { name, guards, suits: Suits::WithCode, run }
}

/// Every check.
pub(crate) static ALL: &[Check] = &[
    all("security headers are on every answer", &["security_headers"], |app| Box::pin(answers::dressed(app))),
    all("the software's name is taken out", &["security_headers"], |app| Box::pin(answers::nameless(app))),
    all("pages and files arrive unchanged", &["body"], |app| Box::pin(answers::unchanged(app))),
    all("texts are compressed, files are not", &["compression"], |app| Box::pin(answers::compressed(app))),
    all("every request has an id", &["request_id"], |app| Box::pin(callers::identified(app))),
    all("every request has a trace", &["trace_context"], |app| Box::pin(callers::traced(app))),
    all("forged addresses are replaced", &["client_address"], |app| Box::pin(callers::addressed(app))),
    with_code("the application is told who calls", &["request_id", "trace_context", "client_address"], |app| {
        Box::pin(callers::told(app))
    }),
    all("the rate limit is told and kept", &["rate_limit"], |app| Box::pin(limits::rate(app))),
    all("a full server refuses early", &["load_shed"], |app| Box::pin(limits::in_flight(app))),
    all("large bodies are refused", &["body"], |app| Box::pin(limits::body(app))),
    all("report mode refuses nothing", &["rate_limit", "body"], |app| Box::pin(limits::reported(app))),
    all("paths with two readings are refused", &["strict_http"], |app| Box::pin(refusals::paths(app))),
    all("broken handshakes are refused", &["websocket"], |app| Box::pin(refusals::handshakes(app))),
    all(
        "forged identity never arrives, and routes are for whom they are for",
        &["authentication", "principal_rate_limit", "access"],
        |app| Box::pin(refusals::strangers(app)),
    ),
    all("hosts are checked", &["strict_http"], |app| Box::pin(refusals::hosts(app))),
    all("local pages are granted in development", &["cors"], |app| Box::pin(refusals::local_origins(app))),
    all("listed origins are granted, others refused", &["cors"], |app| Box::pin(refusals::listed_origins(app))),
    all("what another site's page sends is refused", &["csrf"], |app| Box::pin(refusals::other_sites(app))),
    all("unknown versions are refused, and old ones say so", &["versions"], |app| Box::pin(refusals::versions(app))),
    all("JSON with two readings is refused", &["json"], |app| Box::pin(refusals::unsound_json(app))),
    all("forms with two readings are refused", &["form"], |app| Box::pin(refusals::unsound_forms(app))),
    all("a request with a key is carried out once", &["idempotency"], |app| Box::pin(refusals::repeated(app))),
    all("what the document does not describe is refused", &["schema"], |app| Box::pin(refusals::undescribed(app))),
    all("what nobody has signed is refused", &["signatures"], |app| Box::pin(refusals::unsigned(app))),
    all("who has a page is told so, and changes say what they change", &["conditional"], |app| {
        Box::pin(refusals::conditions(app))
    }),
    all("what looks like an attack is refused where that is asked for", &["payload_filter"], |app| {
        Box::pin(refusals::attacks(app))
    }),
    all("a silent application is named", &["deadline"], |app| Box::pin(failures::silent(app))),
    all("an application that dies comes back", &["rescue", "retry"], |app| Box::pin(failures::dying(app))),
    all("failures stay inside in production", &["rescue"], |app| Box::pin(failures::crashing(app))),
    with_code("an endpoint that hangs is bounded", &["deadline"], |app| Box::pin(failures::hanging(app))),
    with_code("bodies reach the application whole", &["body"], |app| Box::pin(streams::uploaded(app))),
    with_code("events arrive one by one", &["deadline"], |app| Box::pin(streams::events(app))),
];

/// A Seawall with these settings in front of the application.
async fn in_front_of(application: &Application, toml: &str) -> StartedApp {
    TestApp::in_front_of(application.url()).with_config(toml).start().await
}

/// Asserts that an answer is this problem, as JSON, with all its members, and dressed as every answer is.
#[track_caller]
fn expect_problem(answer: &RawResponse, status: u16, slug: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{answer:?}"
    );
    let body = answer.json();
    assert_eq!(body["type"], format!("/_seawall/problems/{slug}"));
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
    for member in ["title", "code", "severity", "fault"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {body}");
    }
    assert!(body["retryable"].is_boolean(), "{body}");
    assert_eq!(
        body["retry_after"].as_u64().map(|seconds| seconds.to_string()).as_deref(),
        answer.header("retry-after")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
