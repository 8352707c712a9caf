//! What is sent to Seawall's own paths and what they answer is what the published document says, as the guard of schemas reads it.

use std::collections::BTreeSet;

use http::Method;
use seawall::app::SystemClock;
use seawall_core::clock::Clock as _;
use seawall_guards::schema::{Captured, Described, Document, Formats, Takes, UnknownFields};
use seawall_testkit::client::RawResponse;
use serde_json::Value;

use super::everything::{Engine, Everything, Exchange};

/// What the run asks of nobody, and who does instead.
const ELSEWHERE: [&str; 5] = [
    // JSON only for who has a second factor, and only without pages, which the run has.
    "get /_seawall/auth/oidc/{name}/callback",
    // Another proxy asks these: `proxies.rs`. There is no body.
    "get /_seawall/auth/forward",
    "get /_seawall/auth/forward/envoy",
    "get /_seawall/auth/forward/envoy/{path}",
    // A form, which an issuer's page posts: `oidc/signing_in.rs`.
    "post /_seawall/auth/oidc/{name}/credential",
];

fn document(bytes: &[u8]) -> Document {
    Document::read(bytes, &Formats::default()).expect("the document can be read")
}

/// What is wrong with an exchange, by the document.
fn faults(document: &Document, exchange: &Exchange) -> Vec<String> {
    let Exchange { method, path, body, answer } = exchange;
    let now = SystemClock::new().now();
    let path = path.split('?').next().unwrap_or_default();
    let found = document.find(&Method::from_bytes(method.as_bytes()).unwrap(), path, &mut Captured::new());
    let Described::Operation(operation) = found else { return vec![format!("{method} {path} is not described")] };
    let place = format!("{method} {path} {}", answer.status);
    let mut out = Vec::new();
    // Where none is described, whatever comes is not read.
    let described = !matches!(operation.takes("application/json"), Takes::None);
    if let (Some(body), 200..300, true) = (body, answer.status, described)
        && let Err(faults) = operation.body("application/json", body, UnknownFields::Reject, now)
    {
        out.push(format!("{place} took {body}: {faults:?}"));
    }
    let (kind, value) = held(answer);
    let faults = operation.answer(answer.status, &kind, &value, UnknownFields::Reject, now);
    if !faults.is_empty() {
        out.push(format!("{place} answered {value}: {faults:?}"));
    }
    out
}

fn held(answer: &RawResponse) -> (String, Value) {
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    let value = if kind.contains("json") { answer.json() } else { Value::String(String::new()) };
    (kind, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_sent_and_answered_is_as_the_document_describes_it() {
    let mut all = Everything::done(Engine::Sqlite).await;
    all.looks().await;
    let described = all.place.get("/_seawall/openapi.json", "").await.expect_status(200);
    let (document, described) = (document(&described.body), described.json());
    let exchanges = all.exchanges.lock().unwrap();
    let wrong: Vec<_> = exchanges.iter().flat_map(|exchange| faults(&document, exchange)).collect();
    assert!(wrong.is_empty(), "{} of {} are not so:\n{}", wrong.len(), exchanges.len(), wrong.join("\n"));

    let mut answered = BTreeSet::new();
    for Exchange { method, path, answer, .. } in exchanges.iter().filter(|exchange| exchange.answer.status < 300) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        if let Described::Operation(operation) = document.find(&method, path, &mut Captured::new()) {
            answered.insert((operation.name().to_ascii_lowercase(), answer.status.to_string()));
        }
    }
    let mut missing = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "servers") {
            let name = format!("{method} {path}");
            let statuses = operation["responses"].as_object().unwrap().iter();
            let shaped = statuses.filter(|(_, answer)| answer["content"]["application/json"].is_object());
            let shaped: Vec<_> =
                shaped.map(|(status, _)| status.clone()).filter(|status| status < &"300".to_owned()).collect();
            let seen = |status: &String| answered.contains(&(name.clone(), status.clone()));
            if !ELSEWHERE.contains(&name.as_str()) && !shaped.iter().all(seen) {
                missing.push(format!("{name} {shaped:?}"));
            }
            let takes = operation["requestBody"].is_object();
            if takes
                && shaped.is_empty()
                && !answered.iter().any(|(known, _)| *known == name)
                && !ELSEWHERE.contains(&name.as_str())
            {
                missing.push(format!("{name} takes a body"));
            }
        }
    }
    assert!(missing.is_empty(), "nobody has seen these answered: {missing:#?}");
}
