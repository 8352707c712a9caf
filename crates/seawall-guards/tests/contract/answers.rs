//! Guards that look at answers.

use std::sync::Arc;

use seawall_core::{Mode, meter::NoMeter};
use seawall_guards::{
    AnswerHead, Context, Follow, Guard, GuardLayer, Needs, Rest, body, request_id, rescue, schema, security_headers,
};

use crate::harness::{HOST, Sent, check, through_layer, through_loop};

#[tokio::test]
async fn rescue() {
    let make = || rescue::RescueGuard::read(&rescue::values(), seawall_core::Environment::Production).unwrap();
    let fails: Sent<'_> = ("GET", "/fail", &[], &[]);
    check(&rescue::ENTRY, make, Mode::Enforce, &[(fails, 500, "UPSTREAM_ERROR")]).await;
    check(&rescue::ENTRY, make, Mode::Report, &[(fails, 500, "got 0")]).await;
}

#[tokio::test]
async fn answers_are_dressed_either_way() {
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    let guard = || {
        security_headers::SecurityHeadersGuard::read(&security_headers::values(), seawall_core::Environment::Production)
            .unwrap()
            .unwrap()
    };
    let layer = GuardLayer::new(&security_headers::ENTRY, guard());
    for (_, headers, _) in [
        through_loop(&security_headers::ENTRY, Arc::new(guard()), Mode::Enforce, get).await,
        through_layer(&layer, get).await,
    ] {
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(!headers.contains_key("server"));
    }
    let guard = || request_id::RequestIdGuard::read(&request_id::values(), Vec::new().into()).unwrap();
    let layer = GuardLayer::new(&request_id::ENTRY, guard());
    for (_, headers, _) in [
        through_loop(&request_id::ENTRY, Arc::new(guard()), Mode::Enforce, get).await,
        through_layer(&layer, get).await,
    ] {
        assert_eq!(headers["x-request-id"].len(), 36);
    }
}

#[tokio::test]
async fn answers_that_a_document_describes_otherwise() {
    let text = br#"{"openapi": "3.1.0", "paths": {"/fail": {"get": {}}, "/a": {"get": {"responses":
        {"200": {"headers": {"etag": {"required": true}}}}}}}}"#;
    let document = Arc::new(schema::Document::read(text, &schema::Formats::standard()).unwrap());
    for mode in [Mode::Enforce, Mode::Report] {
        let drift = schema::Drift::default();
        let make = || {
            let (unknown, undocumented) = (schema::UnknownFields::Reject, schema::Undocumented::Allow);
            let guard = schema::SchemaGuard::new(Some(Arc::clone(&document)), unknown, undocumented);
            guard.comparing_answers(&drift, "*", unknown, &NoMeter)
        };
        let sent = |target| ("GET", target, &[HOST][..], &[][..]);
        // The application's answers are as they are without it.
        let answers = [(sent("/a"), 200, "got 0"), (sent("/fail"), 500, "got 0"), (sent("/b"), 200, "got 0")];
        check(&schema::ENTRY, make, mode, &answers).await;
        let findings = drift.show().findings;
        let found: Vec<_> = findings.iter().map(|found| (found.status, &*found.field, found.count)).collect();
        // Once by the loop and once by the layer.
        assert_eq!(found, [(200, "header.etag", 2), (500, "status", 2)]);
    }
}

type Noted = Arc<std::sync::Mutex<Vec<String>>>;

/// A guard that looks at every answer.
#[derive(Debug)]
struct FollowsAll(Noted);

#[derive(Debug)]
struct Followed(Noted, Vec<u8>);

impl Guard for FollowsAll {
    fn follow(&self, answer: &AnswerHead, _: &mut Context) -> Option<Box<dyn Follow>> {
        self.0.lock().unwrap().push(answer.status.as_u16().to_string());
        Some(Box::new(Followed(Arc::clone(&self.0), Vec::new())))
    }

    fn needs(&self) -> Needs {
        Needs { follows: true, ..Needs::default() }
    }
}

impl Follow for Followed {
    fn part(&mut self, part: &[u8]) -> bool {
        self.1.extend_from_slice(part);
        true
    }

    fn end(self: Box<Self>, whole: bool) -> Option<Rest> {
        Some(Box::new(move || self.0.lock().unwrap().push(format!("{} {whole}", String::from_utf8_lossy(&self.1)))))
    }
}

#[tokio::test]
async fn whoever_follows_answers_sees_all_of_each_and_changes_none() {
    let seen = Noted::default();
    let requests: [(Sent<'_>, u16, &str); 2] =
        [(("POST", "/", &[], &["12", "345"]), 200, "got 5"), (("GET", "/fail", &[], &[]), 500, "got 0")];
    for mode in [Mode::Enforce, Mode::Report] {
        check(&body::ENTRY, || FollowsAll(Arc::clone(&seen)), mode, &requests).await;
        let both_ways = ["200", "got 5 true", "200", "got 5 true", "500", "got 0 true", "500", "got 0 true"];
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), both_ways);
    }
}
