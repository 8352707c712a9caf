//! What a call is on the way: who makes it, what is passed on, and what comes back.

use std::fs;

use seawall_testkit::{
    app::TestApp,
    client::{Client, Request},
    upstream::{Kind, Upstream},
};

use super::{calling, configured, started};

#[tokio::test]
async fn st_2_a_call_shows_the_services_key_and_never_the_applications() {
    let (_api, app) = calling("secret = \"sk-of-the-service\"\nallow = [\"/*\"]").await;
    let call = Request::post("/out/api/echo?a=b%20c")
        .header("X-Request-Id", "req-7")
        .header("Cookie", "session=mine")
        .header("X-Seawall-User", "usr_forged")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("X-Forwarded-Prefix", "/shop")
        .header("X-Of-The-Application", "stays")
        .body("text");
    let answer = app.outbound_client().request(call).await.expect_status(200);
    assert_eq!((answer.header("x-request-id"), answer.header("x-seawall-attempts")), (Some("req-7"), Some("1")));
    let echo = answer.json();
    assert_eq!(
        (&echo["method"], &echo["target"], &echo["body"]),
        (&"POST".into(), &"/echo?a=b%20c".into(), &"text".into())
    );
    let fields = echo["headers"].as_array().unwrap();
    let sent = |name: &str| {
        let mut all = fields.iter().filter(|field| field[0].as_str().unwrap().eq_ignore_ascii_case(name));
        let found = all.next().map(|field| field[1].as_str().unwrap().to_owned());
        assert!(all.next().is_none(), "{name} is there once");
        found
    };
    assert_eq!(sent("authorization").as_deref(), Some("Bearer sk-of-the-service"));
    assert_eq!(sent("x-of-the-application").as_deref(), Some("stays"));
    assert_eq!(sent("x-request-id").as_deref(), Some("req-7"));
    for own in ["cookie", "x-seawall-user", "x-forwarded-for", "x-forwarded-prefix", "x-seawall-key"] {
        assert_eq!(sent(own), None, "{own}");
    }
}

#[tokio::test]
async fn a_key_goes_where_the_service_wants_it() {
    for (place, part) in [("X-Api-Key: {}", "\"X-Api-Key\",\"s3cret\""), ("?key={}", "/echo?a=b&key=s3cret")] {
        let (_api, app) = calling(&format!("secret = \"s3cret\"\nsecret_in = \"{place}\"")).await;
        let answer = app.outbound_client().get("/out/api/echo?key=forged&a=b").await.expect_status(200);
        assert!(answer.text().to_lowercase().contains(&part.to_lowercase()), "{place}: {}", answer.text());
    }
}

#[tokio::test]
async fn whoever_has_no_key_is_told_nothing() {
    let (api, app) = calling("").await;
    let stranger = Client::new(&format!("http://{}", app.outbound()));
    for call in [
        Request::get("/out/api/echo"),
        Request::get("/out/unknown"),
        Request::get("/out/api/echo").header("Authorization", "Bearer wrong"),
        Request::get("/out/api/echo").header("X-Seawall-Key", ""),
    ] {
        let answer = stranger.request(call).await;
        answer.expect_problem(401, "outbound-key-needed");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"seawall\""));
    }
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn clients_of_language_models_send_the_key_where_they_are_used_to() {
    let (_api, app) = calling("").await;
    let key = fs::read_to_string(app.data().join("outbound.key")).unwrap();
    let client = Client::new(&format!("http://{}", app.outbound()));
    for name in ["X-Seawall-Key", "X-Api-Key", "X-Goog-Api-Key"] {
        let answer = client.request(Request::get("/out/api/echo").header(name, key.trim())).await.expect_status(200);
        assert!(!answer.text().contains(key.trim()), "{name} is passed on");
    }
}

#[tokio::test]
async fn only_what_is_allowed_is_asked() {
    let (api, app) = calling("allow = [\"GET /echo\", \"POST /items/{id}\"]").await;
    let client = app.outbound_client();
    client.get("/out/api/echo").await.expect_status(200);
    client.request(Request::post("/out/api/items/7")).await.expect_status(200);
    let asked = api.requests().len();
    for refused in [
        Request::post("/out/api/echo"),
        Request::get("/out/api/items/7"),
        Request::get("/out/api/echo/more"),
        Request::get("/out/api/"),
    ] {
        client.request(refused).await.expect_problem(403, "outbound-not-allowed");
    }
    for unclear in ["/out/api/echo/../secret", "/out/api/%2e%2e/secret", "/out/api/a%2fb", "/out/api/a%00"] {
        client.get(unclear).await.expect_problem(400, "outbound-bad-call");
    }
    client.get("/out/other/echo").await.expect_problem(404, "outbound-unknown");
    client.get("/elsewhere").await.expect_problem(404, "outbound-unknown");
    assert_eq!(api.requests().len(), asked);
}

#[tokio::test]
async fn redirections_lead_back_through_seawall_or_nowhere() {
    let (api, app) = calling("").await;
    let client = app.outbound_client();
    let to = |location: &str| format!("/out/api/status/302?Location={location}&Set-Cookie=a");
    let answer = client.get(&to("/echo%3Fq")).await.expect_status(302);
    assert_eq!((answer.header("location"), answer.header("set-cookie")), (Some("/out/api/echo?q"), None));
    let answer = client.get(&to(&format!("{}/echo", api.url()))).await.expect_status(302);
    assert_eq!(answer.header("location"), Some("/out/api/echo"));
    for away in ["https://elsewhere.example/", "//elsewhere.example/", "echo"] {
        client.get(&to(away)).await.expect_problem(502, "outbound-led-away");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let api = Upstream::start(Kind::ByPath).await;
    let config = configured(&api, "allow = [\"/*\"]\n[outbound]\nlargest_call = \"1kb\"");
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    let client = app.outbound_client();
    client.request(Request::post("/out/api/echo").body(vec![b'a'; 1_000])).await.expect_status(200);
    client
        .request(Request::post("/out/api/echo").body(vec![b'a'; 2_000]))
        .await
        .expect_problem(413, "outbound-too-large");
    let pieces = Request::post("/out/api/echo").chunked(vec![vec![b'a'; 600]; 2]);
    client.request(pieces).await.expect_problem(413, "outbound-too-large");
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "why a test is skipped is said to whoever runs it")]
async fn a_name_that_leads_to_this_machine_is_not_followed_unless_that_is_wanted() {
    let Some(name) = name_of_this_machine() else {
        eprintln!("skipped: /etc/hosts has no name of this machine but localhost");
        return;
    };
    let api = Upstream::start(Kind::ByPath).await;
    let port = api.url().rsplit(':').next().unwrap().to_owned();
    let config = |wanted: &str| {
        format!("environment = \"development\"\n[outbound.api]\nurl = \"http://{name}:{port}\"\nattempts = 1\n{wanted}")
    };
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config("")).start().await;
    let problem = app.outbound_client().get("/out/api/echo").await.expect_problem(502, "outbound-failed");
    assert!(problem["inside"].as_str().unwrap().contains("not on the internet"), "{problem}");
    app.reload_with(&config("private_addresses = true")).await;
    // The service listens on one of the addresses that the name may have.
    let answer = app.outbound_client().get("/out/api/echo").await;
    assert!(answer.status == 200 || !answer.text().contains("not on the internet"), "{}", answer.text());
}

/// A name that leads to this machine, and is not the one that says so.
fn name_of_this_machine() -> Option<String> {
    let hosts = fs::read_to_string("/etc/hosts").ok()?;
    let named = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: std::net::IpAddr = words.next()?.parse().ok()?;
        words.find(|name| *name != "localhost" && address.is_loopback()).map(str::to_owned)
    });
    named.into_iter().next()
}

#[tokio::test]
async fn a_reload_changes_services_and_keeps_what_was_learnt() {
    let (api, app) = calling("attempts = 1\nbreaker_failures = 1").await;
    let client = app.outbound_client();
    client.get("/out/api/never-there").await.expect_status(200);
    client.get("/out/api/status/503").await.expect_status(503);
    client.get("/out/api/echo").await.expect_problem(503, "outbound-away");
    let config = configured(&api, "attempts = 2\nbreaker_failures = 1");
    let more = format!("{config}\n[outbound.other]\nurl = \"{}\"", api.url());
    app.reload_with(&more).await;
    client.get("/out/other/echo").await.expect_status(200);
    client.get("/out/api/echo").await.expect_problem(503, "outbound-away");
    app.reload_with("environment = \"development\"").await;
    client.get("/out/api/echo").await.expect_problem(404, "outbound-unknown");
}

#[tokio::test]
async fn the_key_is_the_configurations_or_made_once() {
    let api = Upstream::start(Kind::ByPath).await;
    let app = started(&api, "").await;
    let made = fs::read_to_string(app.data().join("outbound.key")).unwrap();
    assert!(made.trim().len() >= 32);
    let again = TestApp::in_front_of("http://127.0.0.1:9").with_config(&configured(&api, ""));
    let app = again.in_directory(app.into_directory()).start().await;
    assert_eq!(fs::read_to_string(app.data().join("outbound.key")).unwrap(), made);
    let given = configured(&api, "[outbound]\nkey = \"0123456789abcdef0123456789abcdef\"");
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&given).start().await;
    let client = Client::new(&format!("http://{}", app.outbound()));
    let call = Request::get("/out/api/echo").header("X-Seawall-Key", "0123456789abcdef0123456789abcdef");
    client.request(call).await.expect_status(200);
    assert!(!app.data().join("outbound.key").exists());
}
