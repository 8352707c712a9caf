//! Unmodified applications in other languages, with every default guard seen at work in front of them over real sockets.
//!
//! Three applications, one table of checks ([`checks::ALL`]). Each check puts its own Seawall in front of the application,
//! so that none sees another's counters. Python's `http.server` is always there; Express and FastAPI are installed by
//! `./test`.

mod application;
mod checks;
pub(crate) mod child;
pub(crate) mod tools;

use std::collections::BTreeSet;

use application::{Application, Kind};
use seawall::app::catalogue;
use seawall_testkit::TemporaryDirectory;
use tokio::task::LocalSet;
use tools::{installed, program, skip};

/// Runs all checks that suit the application, and fails with the names of those that failed.
async fn check(kind: Kind) {
    let mut failed = Vec::new();
    for check in checks::ALL.iter().filter(|check| check.suits.holds(kind)) {
        let application = Application::start(kind);
        // A task of its own, so that one failing check does not hide the others.
        let task = LocalSet::new();
        let running = task.spawn_local((check.run)(application));
        if task.run_until(running).await.is_err() {
            failed.push(check.name);
        }
    }
    assert!(failed.is_empty(), "in front of {kind:?} these checks failed (see above): {failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_guard_works_in_front_of_pythons_http_server() {
    match program(&["python3"]) {
        Some(_) => check(Kind::HttpServer).await,
        None => skip("python3 is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_guard_works_in_front_of_an_express_application() {
    match (program(&["node"]), installed("express/node_modules/express/package.json")) {
        (Some(_), Some(_)) => check(Kind::Express).await,
        _ => skip("Node.js or Express is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_guard_works_in_front_of_a_fastapi_application() {
    match installed("python/bin/uvicorn") {
        Some(_) => check(Kind::FastApi).await,
        None => skip("FastAPI is not installed"),
    }
}

#[test]
fn every_guard_is_seen_in_front_of_every_application() {
    let all: BTreeSet<_> = catalogue::ORDER.iter().map(|step| step.guard.name).collect();
    for kind in [Kind::HttpServer, Kind::Express, Kind::FastApi] {
        let checks = checks::ALL.iter().filter(|check| check.suits.holds(kind));
        let seen: BTreeSet<_> = checks.flat_map(|check| check.guards.iter().copied()).collect();
        assert_eq!(seen, all, "guards that a check sees in front of {kind:?}, and all guards");
    }
}

/// The folder of static files that every application serves: a page, and a file of bytes in no particular encoding.
fn site() -> TemporaryDirectory {
    let site = TemporaryDirectory::new();
    let page = tools::fixture("applications/site/index.html");
    std::fs::copy(page, site.path().join("index.html")).expect("the page can be copied");
    std::fs::write(site.path().join("blob.bin"), application::blob()).expect("the file can be written");
    site
}
