//! ST-6: rounds of questions end when Seawall says so, and the flow goes on. A stand-in plays Seawall's counting route.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use studio_example::{REFINE_PATH, Settings, router};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// How many questions a conversation may have, where they are counted.
const ROUNDS: u32 = 5;

/// What plays Seawall.
#[derive(Clone)]
struct Gateway {
    /// Whether rounds are counted at all.
    counts: bool,
    asked: Arc<AtomicU32>,
}

fn said(content: &str) -> Json<Value> {
    Json(json!({ "choices": [{ "message": { "content": content } }] }))
}

async fn refine(State(gateway): State<Gateway>, headers: HeaderMap) -> impl IntoResponse {
    assert!(headers.get("x-seawall-conversation").is_some_and(|id| id.as_bytes().starts_with(b"prj_")));
    assert_eq!(headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes), Some(&b"Bearer key"[..]));
    let round = gateway.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let question = said(&json!({ "question": format!("Question {round}?") }).to_string());
    let mut told = HeaderMap::new();
    if gateway.counts {
        told.insert("x-seawall-round", round.min(ROUNDS).into());
        told.insert("x-seawall-rounds-left", ROUNDS.saturating_sub(round).into());
    }
    if gateway.counts && round > ROUNDS {
        told.insert("x-seawall-rounds-over", "true".parse().unwrap());
        return (told, said(""));
    }
    (told, question)
}

async fn feasible() -> Json<Value> {
    said(r#"{"feasible":true,"reason":"It can."}"#)
}

/// A studio, and what it is told about itself.
struct Place {
    studio: Router,
    gateway: Gateway,
    _directory: tempfile::TempDir,
}

impl Place {
    async fn new(counts: bool) -> Self {
        let gateway = Gateway { counts, asked: Arc::default() };
        let routes = Router::new()
            .route(REFINE_PATH, post(refine))
            .route("/llm/v1/chat/completions", post(feasible))
            .with_state(gateway.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outbound = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            outbound,
            key: "key".to_owned(),
            refine_path: REFINE_PATH.to_owned(),
            database: directory.path().join("studio.sqlite"),
        };
        Self { studio: router(settings).unwrap(), gateway, _directory: directory }
    }

    async fn ask(&self, person: &str, method: &str, path: &str, form: &str) -> (StatusCode, String, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-seawall-user", person)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let (head, body) = self.studio.clone().oneshot(request).await.unwrap().into_parts();
        let location = head.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let text = body.collect().await.unwrap().to_bytes();
        (head.status, location.unwrap_or_default(), String::from_utf8(text.to_vec()).unwrap())
    }

    /// A project that can be built; the path of its page.
    async fn project(&self) -> String {
        let (status, path, _) = self.ask("ann", "POST", "/projects", "description=A+lamp").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        path
    }

    async fn press(&self, path: &str, button: &str, form: &str) -> String {
        let (status, _, _) = self.ask("ann", "POST", &format!("{path}/{button}"), form).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        self.ask("ann", "GET", path, "").await.2
    }
}

#[tokio::test]
async fn st_6_after_five_rounds_the_flow_proceeds_and_nothing_looks_like_an_error() {
    let place = Place::new(true).await;
    let path = place.project().await;
    let mut page = place.press(&path, "question", "").await;
    for round in 1..=ROUNDS {
        assert!(page.contains(&format!("Question {round}?")), "{page}");
        assert_eq!(page.contains("This is the last question."), round == ROUNDS, "{page}");
        page = place.press(&path, "answer", &format!("round={round}&answer=small")).await;
        assert!(!page.contains("alert"), "{page}");
    }
    assert!(page.contains("Blueprints") && !page.contains("<textarea"), "{page}");
    assert_eq!(place.gateway.asked.load(Ordering::SeqCst), ROUNDS, "no call is made that can bring nothing");
}

#[tokio::test]
async fn st_6_a_call_beyond_the_last_round_leads_on_too() {
    let place = Place::new(true).await;
    let path = place.project().await;
    // Calls that another tab made, or whose answers were lost.
    place.gateway.asked.store(ROUNDS, Ordering::SeqCst);
    let page = place.press(&path, "question", "").await;
    assert!(page.contains("Blueprints") && !page.contains("alert"), "{page}");
}

#[tokio::test]
async fn where_nobody_counts_questions_go_on_until_somebody_has_enough() {
    let place = Place::new(false).await;
    let path = place.project().await;
    let mut page = place.press(&path, "question", "").await;
    for round in 1..=ROUNDS + 1 {
        page = place.press(&path, "answer", &format!("round={round}&answer=small")).await;
    }
    assert!(page.contains("Question 7?") && !page.contains("last question"), "{page}");
    let page = place.press(&path, "enough", "").await;
    assert!(page.contains("Blueprints") && !page.contains("Question 7?"), "{page}");
}

#[tokio::test]
async fn an_answer_that_is_sent_twice_answers_one_question() {
    let place = Place::new(true).await;
    let path = place.project().await;
    place.press(&path, "question", "").await;
    for _ in 0..2 {
        let page = place.press(&path, "answer", "round=1&answer=small").await;
        assert!(page.matches("small").count() == 1 && page.contains("Question 2?"), "{page}");
    }
    assert_eq!(place.gateway.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_project_is_its_owners_alone() {
    let place = Place::new(true).await;
    let path = place.project().await;
    for (method, path) in
        [("GET", path.clone()), ("POST", format!("{path}/question")), ("POST", format!("{path}/answer"))]
    {
        let (status, _, page) = place.ask("bob", method, &path, "round=1&answer=mine").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {page}");
    }
    place.ask("bob", "POST", &format!("{path}/delete"), "").await;
    assert_eq!(place.ask("ann", "GET", &path, "").await.0, StatusCode::OK, "it is still there");
    let (status, _, _) = place.ask("ann", "POST", &format!("{path}/delete"), "").await;
    assert_eq!((status, place.ask("ann", "GET", &path, "").await.0), (StatusCode::SEE_OTHER, StatusCode::NOT_FOUND));
}
