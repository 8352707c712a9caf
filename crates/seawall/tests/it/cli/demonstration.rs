//! `seawall demo`: each request that its banner suggests does what is promised beside it.

use std::{collections::BTreeMap, path::Path};

use seawall::demo::llm;
use seawall_testkit::client::{Client, RawResponse, Request};
use serde_json::json;

use super::binary::{Place, Server};
use crate::applications::tools::repository;

/// What the banner suggests: the method and the URL, by its path.
fn suggested(banner: &str) -> BTreeMap<String, Request> {
    let lines = banner.lines().filter(|line| line.starts_with("  curl ") || line.starts_with("  for "));
    let request = |line: &str| {
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("each line has a URL");
        let url = url.trim_end_matches(';');
        let path = url.splitn(4, '/').nth(3).map_or_else(|| "/".to_owned(), |path| format!("/{path}"));
        let method = if line.contains("-X POST") { "POST" } else { "GET" };
        (path.clone(), Request::new(method, path))
    };
    lines.map(request).collect()
}

/// Asks what the banner suggests.
async fn ask(server: &Server, request: &Request) -> RawResponse {
    if request.target() == "/metrics" {
        server.admin_client().request(request.clone()).await
    } else {
        server.client().request(request.clone()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_the_banner_does_what_is_promised() {
    let temporary = Place::new();
    let place = Place::new().with_variable("TMPDIR", temporary.path().display().to_string());
    let mut server = place.serve(&["demo"]);
    server.logged("Stop with Ctrl-C.");
    let suggested = suggested(&server.child.err());
    let paths: Vec<_> = suggested.keys().map(String::as_str).collect();
    let known = ["/api/../etc/passwd", "/api/crash", "/api/echo", "/api/login", "/api/slow", "/api/users", "/metrics"];
    assert_eq!(paths, known, "each suggestion is tried below");
    let request = |path: &str| suggested.get(path).expect("it is suggested");

    let users = ask(&server, request("/api/users")).await.expect_status(200);
    for name in ["x-frame-options", "content-security-policy", "x-request-id", "ratelimit", "ratelimit-policy"] {
        assert!(users.header(name).is_some(), "{name}");
    }
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(users.header(name), None, "{name}");
    }

    let mut tries = Vec::new();
    for _ in 0..6 {
        tries.push(ask(&server, request("/api/login")).await.status);
    }
    assert_eq!(tries, [401, 401, 401, 401, 401, 429], "five tries a minute, then 429");

    let crash = ask(&server, request("/api/crash")).await.expect_status(500);
    assert_eq!(crash.json()["code"], "UPSTREAM_ERROR");
    assert!(!crash.text().contains("Traceback"), "{}", crash.text());
    server.logged("Traceback (most recent call last)");
    assert!(!server.child.out().contains("correct-horse-battery-staple"), "the log has them, redacted");

    let slow = ask(&server, request("/api/slow")).await.expect_status(504);
    assert_eq!((&slow.json()["code"], &slow.json()["fault"]), (&"TIMEOUT".into(), &"upstream".into()));

    let path = ask(&server, request("/api/../etc/passwd")).await.expect_status(400);
    assert_eq!(path.json()["code"], "INVALID_PATH");

    let echo = ask(&server, request("/api/echo")).await.expect_status(200);
    let told = &echo.json()["headers"];
    assert_eq!(told["x-request-id"].as_str(), echo.header("x-request-id"));
    assert_eq!(told["x-forwarded-for"], "127.0.0.1");

    let metrics = ask(&server, request("/metrics")).await.expect_status(200).text();
    let decision =
        "seawall_guard_decisions_total{guard=\"rate_limit\",route=\"POST /api/login\",decision=\"refused\"} 1";
    assert!(metrics.contains(decision), "{metrics}");

    let page = server.client().get("/").await.expect_status(200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{page:?}");

    server.child.signal("INT");
    assert_eq!(server.child.ended(), Some(0));
    let left = |path: &Path| path.read_dir().unwrap().count();
    assert_eq!([left(temporary.path()), left(place.path())], [0, 0], "nothing stays behind");
}

#[test]
fn the_banner_says_what_runs_and_what_to_try() {
    let temporary = Place::new();
    let place = Place::new().with_variable("TMPDIR", temporary.path().display().to_string());
    let mut server = place.serve(&["demo"]);
    server.logged("Stop with Ctrl-C.");
    assert_eq!(server.terminate(), Some(0));
    let banner = temporary.redacted(&server.child.err());
    let banner = banner.replace(&format!("seawall-demo-{}", server.child.id()), "seawall-demo-ID");
    insta::assert_snapshot!(banner, @"
    Seawall 0.1.0 protects http://127.0.0.1:PORT
      public   http://127.0.0.1:PORT
      admin    http://127.0.0.1:PORT  (health, metrics; token in DIRECTORY/seawall-demo-ID/.seawall/admin.token)
      guards   strict_http, request_id, trace_context, client_address, rescue, compression, security_headers, deadline, retry, cors, rate_limit, websocket, load_shed,
               authentication, csrf, principal_rate_limit, access, signatures, versions, body, json, form, schema, payload_filter, idempotency, conditional
      settings defaults, and one route of its own; development
    Behind it runs a careless sample application. Try:
      curl -i http://127.0.0.1:PORT/api/users
          security headers, a request id, rate limit fields; the software's name and its wildcard are gone
      for i in 1 2 3 4 5 6; do curl -s -o /dev/null -w '%{http_code} ' -X POST http://127.0.0.1:PORT/api/login; done
          five tries a minute, then 429
      curl -s http://127.0.0.1:PORT/api/crash
          the stack trace and the password in it stay inside; the log has them, redacted
      curl -s http://127.0.0.1:PORT/api/slow
          the application hangs; after 3 s the client is told whose fault it is
      curl -s --path-as-is http://127.0.0.1:PORT/api/../etc/passwd
          a path that can be read in two ways is not forwarded
      curl -s http://127.0.0.1:PORT/api/echo
          what the application is told: who calls, under which id
      curl -s http://127.0.0.1:PORT/metrics | grep seawall_guard
          what the guards decided
    Open http://127.0.0.1:PORT/ in a browser for a page. Stop with Ctrl-C.
    ");
}

#[test]
fn wk_2_log_level_holds_for_the_demonstration_too() {
    let place = Place::new().with_variable("LOG_LEVEL", "error");
    let mut server = place.serve(&["demo"]);
    assert_eq!(server.terminate(), Some(0));
    assert!(!server.child.out().contains("finishing:"), "{}", server.child);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_plays_an_llm_and_says_how_to_reach_it() {
    let place = Place::new();
    let mut child = place.start(&["demo", "--llm", "--listen", "127.0.0.1:0"]);
    let url = child.said("an address", |said| {
        said.split_once("OPENAI_BASE_URL=")?.1.split_once("/v1 ").map(|(url, _)| url.to_owned())
    });
    let body = json!({ "model": "fake", "messages": [{ "role": "user", "content": "Good morning" }] });
    let client = Client::new(&url).with_header("Authorization", "Bearer any");
    let answer = client.post_json("/v1/chat/completions", &body).await.expect_status(200);
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "You said: Good morning");
    let taken = url.strip_prefix("http://").unwrap();
    let refused = place.seawall(&["demo", "--llm", "--listen", taken]).refused(69);
    assert!(refused.contains(taken) && refused.contains("--listen"), "{refused}");
    let both = place.seawall(&["demo", "--llm", "--admin", "127.0.0.1:0"]).refused(64);
    assert!(both.contains("--admin"), "the fake has no admin interface: {both}");
    child.signal("INT");
    assert_eq!(child.ended(), Some(0));
}

#[test]
fn the_help_has_every_word_that_a_models_name_may_have() {
    let help = Place::new().seawall(&["demo", "--llm", "--help"]).ok();
    let guide = std::fs::read_to_string(repository().join("docs/guide/fake-llm.md")).unwrap();
    for (words, happens) in llm::WORDS {
        assert!(help.lines().any(|line| line.ends_with(happens)), "{happens}: on one line of {help}");
        assert!(guide.contains(happens), "{happens}: in the guide");
        for word in words.split(", ") {
            assert!(guide.contains(&format!("`fake-{word}`").replace("-`", "`")), "{word}: in the guide");
        }
    }
}
