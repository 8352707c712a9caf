//! `seawall run` and `seawall status`: what is said, where, and how it ends.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use seawall_testkit::{
    client::{RawClient, Request},
    upstream::{Kind, Upstream},
};
use serde_json::Value;

use super::binary::{FREE_PORTS, Place, Server};

/// A server in front of an upstream whose paths choose what it does.
async fn serve(place: &Place) -> (Upstream, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server)
}

/// The log's lines, each of which must be JSON.
fn log(server: &Server) -> Vec<Value> {
    server.child.out().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banner_is_for_people_and_the_log_for_machines() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    server.client().get("/echo?token=s3cret&page=2").await.expect_status(200);
    server.logged("\"url.path\":\"/echo\"");
    assert_eq!(server.terminate(), Some(0));
    insta::assert_snapshot!(place.redacted(&server.child.err()), @"
    Seawall 0.1.0 protects http://127.0.0.1:PORT
      public   http://127.0.0.1:PORT
      admin    http://127.0.0.1:PORT  (health, metrics; token in DIRECTORY/.seawall/admin.token)
      guards   strict_http, request_id, trace_context, client_address, rescue, compression, security_headers, deadline, retry, cors, rate_limit, websocket, load_shed,
               authentication, csrf, principal_rate_limit, access, signatures, versions, body, json, form, schema, payload_filter, idempotency, conditional
      settings defaults; development
    Try next:
      curl -i http://127.0.0.1:PORT/
      seawall explain GET /
      seawall config example > seawall.toml
    ");
    let lines = log(&server);
    let request = lines.iter().find(|line| line["msg"] == "request").expect("the request's line");
    assert_eq!((&request["level"], &request["service"]), (&"info".into(), &"seawall".into()));
    assert_eq!((&request["http.status"], &request["url.query"]), (&200.into(), &"token=[redacted]&page=2".into()));
    assert!(
        lines.iter().any(|line| line["msg"].as_str().is_some_and(|text| text.starts_with("finishing:"))),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_asks_the_running_server() {
    let place = Place::new();
    let (_upstream, server) = serve(&place).await;
    insta::assert_snapshot!(place.redacted(&place.seawall(&["status"]).ok()), @"
    ok for http://127.0.0.1:PORT, in development
      public   http://127.0.0.1:PORT
      admin    http://127.0.0.1:PORT
      version  0.1.0, up N s, process N
      memory   N MB
      now      0 connections, 0 requests
      check    store: ok
      check    upstream: ok
    ");
    let json: Value = serde_json::from_str(&place.seawall(&["status", "--json"]).ok()).unwrap();
    assert_eq!(json["public"], server.address().to_string());
    assert_eq!((&json["health"]["status"], &json["environment"]), (&"ok".into(), &"development".into()));
    assert_eq!(json["health"]["checks"]["upstream"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_server_are_its_owners_alone() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    let mode =
        |name: &str| fs::metadata(place.path().join(".seawall").join(name)).unwrap().permissions().mode() & 0o777;
    // The command line's socket answers, so it is there.
    place.seawall(&["status"]).ok();
    assert_eq!([mode(""), mode("admin.token"), mode("admin.sock")], [0o700, 0o600, 0o600]);
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap();
    assert_eq!(token.trim().len(), 64);
    server.admin_client().get("/api/status").await.expect_status(401);
    let authorised = Request::get("/api/status").header("Authorization", format!("Bearer {}", token.trim()));
    server.admin_client().request(authorised).await.expect_status(200);
    assert_eq!(server.terminate(), Some(0));
    assert!(!place.path().join(".seawall/admin.sock").exists(), "the socket goes with the server");
    let (_upstream, _again) = serve(&place).await;
    assert_eq!(fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap(), token, "the token stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_the_first_signal_lets_requests_finish() {
    let place = Place::new();
    let (upstream, mut server) = serve(&place).await;
    let mut client = RawClient::connect(server.address()).await;
    client.write("GET /slow/600 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    upstream.until("the request", |upstream| !upstream.requests().is_empty()).await;
    server.child.signal("TERM");
    server.logged("finishing:");
    let answer = client.read_response("GET").await.expect_status(200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(server.child.ended(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_the_second_signal_ends_at_once() {
    // Longer than the test waits, so that only the second signal can end it.
    let place = Place::with_config("[server]\ndrain_timeout = \"10min\"\n");
    let (upstream, mut server) = serve(&place).await;
    let mut client = RawClient::connect(server.address()).await;
    client.write("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    upstream.until("the request", |upstream| !upstream.requests().is_empty()).await;
    server.child.signal("INT");
    server.logged("finishing:");
    client.expect_silence(std::time::Duration::from_millis(200)).await;
    server.child.signal("INT");
    assert_eq!(server.child.ended(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_2_log_level_chooses_what_the_process_says() {
    for (level, says) in [("debug", true), ("info", true), ("warn", false), ("error", false)] {
        let place = Place::new().with_variable("LOG_LEVEL", level);
        let (_upstream, mut server) = serve(&place).await;
        assert_eq!(server.terminate(), Some(0));
        assert_eq!(server.child.out().contains("finishing:"), says, "{level}: {}", server.child);
    }
    let place = Place::new().with_variable("LOG_LEVEL", "loud");
    let said = place.seawall(&["run", "--to", "http://127.0.0.1:9"]).refused(64);
    assert!(said.contains("environment variable LOG_LEVEL=loud"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_the_files_the_environments_and_the_command_lines() {
    let toml = "[log]\nservice = \"shop\"\n[rate_limit]\nlimits = [\"7/min per ip\"]\n";
    let place = Place::with_config(toml).with_variable("SEAWALL__RATE_LIMIT__LIMITS", "9/min per ip");
    let (_upstream, mut server) = serve(&place).await;
    let answer = server.client().get("/echo").await.expect_status(200);
    assert_eq!(answer.header("x-ratelimit-limit"), Some("9"));
    server.logged("\"service\":\"shop\"");
    assert!(server.child.err().contains("settings seawall.toml over defaults; development"), "{}", server.child);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn rg_6_a_signal_as_soon_as_the_banner_is_there_is_heard() {
    for _ in 0..30 {
        let place = Place::new();
        let mut child = place.start(&[&["run", "--to", "http://127.0.0.1:9"], &FREE_PORTS[..]].concat());
        // Started beforehand, so that the signal follows the banner without the time a program takes to start.
        let mut kill = Command::new("sh");
        kill.args(["-c", "read -r line; kill -s TERM \"$0\""]).arg(child.id().to_string()).stdin(Stdio::piped());
        let mut kill = kill.spawn().unwrap();
        child.said("where it listens", |said| said.contains("  public   ").then_some(()));
        kill.stdin.take().unwrap().write_all(b"now\n").unwrap();
        assert!(kill.wait().unwrap().success());
        assert_eq!(child.ended(), Some(0), "{child}");
    }
}
