//! What whoever asks from outside sees of an answer: the answer. Who was asked, how often and at which account is the operator's to know.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::{BodyExt, Limited};
use seawall_core::problem::Problem;

use crate::{
    body::Body,
    llm::{Dialect, SHOULD_RETRY, rendered},
    problem::{BAD_CALL, CONVERSATION_NEEDED, FAILED, NO_ROOM, QUESTION_TOO_LONG, UNTRANSLATABLE},
};

/// The fields of a good answer that go on.
static SHOWN: [HeaderName; 4] = [
    CONTENT_TYPE,
    HeaderName::from_static("x-seawall-round"),
    HeaderName::from_static("x-seawall-rounds-left"),
    HeaderName::from_static("x-seawall-rounds-over"),
];

/// How much is read of what a provider says of a call that it refuses, so that the call is settled with it.
const REFUSAL_BYTES: usize = 64 * 1024;

/// The longest wait that a provider may ask of whoever is outside, in seconds.
const LONGEST_WAIT_S: u64 = 3_600;

/// What is seen of an answer.
pub(super) async fn answer(dialect: Dialect, response: Response<Body>, request_id: &str) -> Response<Body> {
    let status = response.status();
    let (mut head, body) = response.into_parts();
    if !status.is_success() {
        let problem = refused(status, &head.headers);
        let mut rest = Limited::new(body, REFUSAL_BYTES);
        while let Some(Ok(_)) = rest.frame().await {}
        return refusal(dialect, problem, request_id);
    }
    let shown = SHOWN.iter().filter_map(|name| Some((name.clone(), head.headers.get(name)?.clone())));
    head.headers = shown.collect();
    // It comes from the origin of the application's pages, so it must not become one.
    if head.headers.get(CONTENT_TYPE).is_none_or(|kind| !is_data(kind)) {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(head, body)
}

/// Whether a body is one that models answer with: JSON, or events.
fn is_data(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json") || kind.eq_ignore_ascii_case(b"text/event-stream")
}

/// What a provider's refusal means to whoever is outside, in our words: its own speak of keys, organisations and limits of the account.
fn refused(status: StatusCode, headers: &HeaderMap) -> Problem {
    match status.as_u16() {
        400 | 404 | 405 | 413 | 415 | 422 => {
            Problem::new(&BAD_CALL).detail("The model takes no such question.").inside(status.to_string())
        }
        408 | 429 | 503 | 529 => {
            let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Problem::new(&NO_ROOM).retry_after(seconds.unwrap_or(1).clamp(1, LONGEST_WAIT_S))
        }
        _ => Problem::new(&FAILED).inside(status.to_string()),
    }
}

/// A refusal, without what it says of the configuration: names of providers, and what all calls together may cost.
pub(super) fn refusal(dialect: Dialect, mut problem: Problem, request_id: &str) -> Response<Body> {
    let of_the_question = [&BAD_CALL, &QUESTION_TOO_LONG, &CONVERSATION_NEEDED, &UNTRANSLATABLE];
    if !of_the_question.iter().any(|kind| kind.slug == problem.kind.slug) {
        problem.detail = None;
    }
    problem.headers.retain(|(name, _)| *name == SHOULD_RETRY);
    let mut response = rendered(dialect, &problem, request_id);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{body::whole, problem::BUDGET_SPENT};

    async fn seen(response: http::response::Builder, body: &'static str) -> (StatusCode, HeaderMap, Bytes) {
        let response = response.body(whole(Bytes::from_static(body.as_bytes()))).unwrap();
        let (head, body) = answer(Dialect::OpenAi, response, "r").await.into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn of_a_good_answer_its_kind_and_the_rounds_are_seen() {
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("x-seawall-round", "1")
            .header("x-seawall-provider", "openai")
            .header("x-seawall-attempts", "2")
            .header("openai-organization", "org")
            .header("set-cookie", "a=b");
        let (status, headers, body) = seen(response, "{}").await;
        assert_eq!((status, &*body), (StatusCode::OK, b"{}".as_slice()));
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["cache-control", "content-type", "x-seawall-round"]);
    }

    #[tokio::test]
    async fn an_answer_is_never_a_page() {
        for (told, seen_as) in [
            (Some("text/html"), "application/octet-stream"),
            (None, "application/octet-stream"),
            (Some("application/json; charset=utf-8"), "application/json; charset=utf-8"),
            (Some("text/event-stream"), "text/event-stream"),
        ] {
            let response =
                told.into_iter().fold(Response::builder(), |response, kind| response.header(CONTENT_TYPE, kind));
            assert_eq!(seen(response, "<script>").await.1[CONTENT_TYPE], seen_as);
        }
    }

    #[tokio::test]
    async fn what_a_provider_says_of_its_account_is_not_seen() {
        for (status, expected) in
            [(400, 400), (401, 502), (402, 502), (403, 502), (404, 400), (429, 503), (500, 502), (529, 503)]
        {
            let response = Response::builder().status(status).header("retry-after", "86400").header("x-key", "sk-1");
            let (seen, headers, body) = seen(response, "Incorrect API key provided: sk-1").await;
            assert_eq!(seen.as_u16(), expected, "{status}");
            assert!(!String::from_utf8_lossy(&body).contains("sk-1") && !headers.contains_key("x-key"));
            let waits = headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(waits, (expected == 503).then_some("3600"), "{status}");
        }
    }

    #[tokio::test]
    async fn a_budget_is_spent_without_a_word_of_how_large_it_is() {
        let problem = Problem::new(&BUDGET_SPENT).detail("Of the 500 dollars of the budget \"all\", 3 are left.");
        let response = refusal(Dialect::OpenAi, problem.retry_after(60), "r");
        assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (402, &HeaderValue::from(60)));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("500"));
        let long = Problem::new(&QUESTION_TOO_LONG).detail("It has 9 characters.");
        let body = refusal(Dialect::OpenAi, long, "r").into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("9 characters"));
    }
}
