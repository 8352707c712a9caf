//! What is sent on of a call from outside: a few fields that are known, and what its user says of projects and conversations.

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE},
    request,
};
use seawall_core::{problem::Problem, request_id::RequestId};

use crate::{
    caller::Caller,
    llm::{CONVERSATION, PROJECT},
    problem::BAD_CALL,
};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// How Gemini's clients ask for a stream of events.
const EVENTS: &str = "alt=sse";

/// The head of a call without anything that could be meant for the provider's account: no key, no organisation, no feature to be tried.
pub(super) fn sent_on(
    head: &request::Parts,
    path: &str,
    caller: &Caller,
    request_id: &RequestId,
) -> Result<request::Parts, Box<Problem>> {
    let query = head.uri.query().unwrap_or_default().split('&').any(|pair| pair == EVENTS);
    let target = if query { format!("{path}?{EVENTS}") } else { path.to_owned() };
    let uri: Uri = target.parse().map_err(|_| Problem::new(&BAD_CALL).detail("The path is no path."))?;
    let (mut sent, ()) = Request::new(()).into_parts();
    (sent.method, sent.uri) = (head.method.clone(), uri);
    for name in [&CONTENT_TYPE, &ACCEPT, &ANTHROPIC_VERSION, &CONVERSATION] {
        if let Some(value) = head.headers.get(name) {
            sent.headers.insert(name, value.clone());
        }
    }
    if let Some(project) = project(&head.headers, caller) {
        sent.headers.insert(&PROJECT, project);
    }
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        sent.headers.insert(&REQUEST_ID, id);
    }
    Ok(sent)
}

/// A project as its user names it. No user's is another's, nor one of the application's: whoever could name that could spend its budget.
fn project(headers: &HeaderMap, caller: &Caller) -> Option<HeaderValue> {
    let (user, named) = (caller.user.as_deref().unwrap_or_default(), headers.get(&PROJECT)?);
    HeaderValue::from_bytes(&[user.as_bytes(), b"/", named.as_bytes()].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::may::May;

    #[test]
    fn what_is_meant_for_the_providers_account_stays_here() {
        let caller = Caller { key: "public".into(), user: Some("usr_1".into()), may: May::everything() };
        let asked = Request::post("/_seawall/llm/chat/v1/messages?key=k&alt=sse&beta=true")
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("x-seawall-conversation", "c")
            .header("x-seawall-project", "p")
            .header("x-seawall-token", "forged")
            .header("x-seawall-user", "usr_2")
            .header("x-api-key", "k")
            .header("x-goog-api-key", "k")
            .header("authorization", "Bearer k")
            .header("cookie", "seawall=s")
            .header("openai-organization", "org")
            .header("anthropic-beta", "context-1m")
            .header("x-request-id", "chosen");
        let (head, ()) = asked.body(()).unwrap().into_parts();
        let id = RequestId::generate(0, [7; 10]);
        let sent = sent_on(&head, "/chat/v1/messages", &caller, &id).unwrap();
        assert_eq!(sent.uri, "/chat/v1/messages?alt=sse");
        let mut fields: Vec<_> =
            sent.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        fields.sort_unstable();
        let id = format!("x-request-id: {}", id.as_str());
        let expected = [
            "anthropic-version: 2023-06-01",
            "content-type: application/json",
            &id,
            "x-seawall-conversation: c",
            "x-seawall-project: usr_1/p",
        ];
        assert_eq!(fields, expected);
    }
}
