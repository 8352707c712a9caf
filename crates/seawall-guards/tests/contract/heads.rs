//! Guards that look at heads.

use std::sync::Arc;

use seawall_core::{
    Mode,
    meter::{Handle, NoMeter},
    settings::{Raw, Values},
};
use seawall_guards::{GuardLayer, Shared, conditional, cors, load_shed, rate_limit, strict_http, versions};

use crate::harness::{HOST, Sent, StoppedClock, check, text, through_layer};

#[tokio::test]
async fn strict_http_is_enforced_in_either_mode() {
    let make = || strict_http::StrictHttpGuard::read(&strict_http::values(), Handle::none()).unwrap();
    let dots: Sent<'_> = ("GET", "/a/../b", &[HOST], &[]);
    let trace: Sent<'_> = ("TRACE", "/", &[HOST], &[]);
    for mode in [Mode::Enforce, Mode::Report] {
        check(&strict_http::ENTRY, make, mode, &[(dots, 400, "INVALID_PATH"), (trace, 405, "METHOD_NOT_ALLOWED")])
            .await;
    }
}

#[tokio::test]
async fn rate_limit() {
    let values = rate_limit::values().with("limits", text("2/min per ip"));
    let make = || {
        rate_limit::RateLimitGuard::read(&values, "*", rate_limit::MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap()
    };
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    check(&rate_limit::ENTRY, make, Mode::Enforce, &[(get, 200, ""), (get, 200, ""), (get, 429, "RATE_LIMITED")]).await;
    check(&rate_limit::ENTRY, make, Mode::Report, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
}

#[tokio::test]
async fn load_shed() {
    for mode in [Mode::Enforce, Mode::Report] {
        let make = || {
            load_shed::LoadShedGuard::read(
                &load_shed::values().with("max_in_flight", Raw::Integer(1)),
                load_shed::Permits::default().places("*"),
            )
            .unwrap()
        };
        let get: Sent<'_> = ("GET", "/", &[], &[]);
        check(&load_shed::ENTRY, make, mode, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
    }
}

#[tokio::test]
async fn cors() {
    let values = cors::values().with("origins", text("https://app.example.com"));
    let make = || cors::CorsGuard::read(&values, seawall_core::Environment::Production).unwrap();
    let asks = ("access-control-request-method", "PUT");
    let listed: Sent<'_> = ("OPTIONS", "/", &[HOST, ("origin", "https://app.example.com"), asks], &[]);
    let other: Sent<'_> = ("OPTIONS", "/", &[HOST, ("origin", "https://evil.example"), asks], &[]);
    check(&cors::ENTRY, make, Mode::Enforce, &[(listed, 204, ""), (other, 403, "ORIGIN_REFUSED")]).await;
    check(&cors::ENTRY, make, Mode::Report, &[(listed, 204, ""), (other, 200, "got 0")]).await;
}

#[tokio::test]
async fn versions() {
    let shared = Shared::in_memory();
    let values = versions::values().with("by", text("path")).with("after_sunset", text("refuse"));
    let ended = Values::default().with("sunset", text("2020-01-01"));
    let entries = [("v1".to_owned(), ended), ("v2".to_owned(), Values::default())];
    let make = || versions::VersionsGuard::read(&values, &entries, &shared).unwrap().unwrap();
    let get = |target| -> Sent<'_> { ("GET", target, &[HOST], &[]) };
    let refused = [
        (get("/v1"), 410, "API_VERSION_GONE"),
        (get("/v2"), 200, "got 0"),
        (get("/v3"), 404, "API_VERSION_UNKNOWN"),
        (get("/"), 200, "got 0"),
    ];
    check(&versions::ENTRY, make, Mode::Enforce, &refused).await;
    check(&versions::ENTRY, make, Mode::Report, &refused.map(|(sent, ..)| (sent, 200, "got 0"))).await;
}

#[tokio::test]
async fn conditional() {
    let make = |mode| {
        move || {
            let values = conditional::values().with("if_match", text("check")).with("etag", text("strong"));
            conditional::ConditionalGuard::read(&values, mode).unwrap().unwrap()
        }
    };
    let refused: [(Sent<'_>, u16, &str); 3] = [
        (("PUT", "/", &[HOST], &["a"]), 428, "PRECONDITION_REQUIRED"),
        (("PUT", "/", &[HOST, ("if-match", "broken")], &["a"]), 428, "PRECONDITION_REQUIRED"),
        (("POST", "/", &[HOST], &["a"]), 200, "got 1"),
    ];
    check(&conditional::ENTRY, make(Mode::Enforce), Mode::Enforce, &refused).await;
    let reported = refused.map(|(sent, ..)| (sent, 200, "got 1"));
    check(&conditional::ENTRY, make(Mode::Report), Mode::Report, &reported).await;
    // A layer can ask nobody for the current state, and lets no change pass unseen.
    let layer = GuardLayer::new(&conditional::ENTRY, make(Mode::Enforce)()).clock(Arc::new(StoppedClock));
    let (status, _, told) = through_layer(&layer, ("PUT", "/", &[HOST, ("if-match", "\"a\"")], &["a"])).await;
    assert!(status == 502 && told.contains("CURRENT_STATE_UNKNOWN"), "{status} {told}");
}
