//! The request log: one line per request, each field with its type, secrets hidden, and nothing a client sends gets out of its quotes.

use std::time::Duration;

use seawall_testkit::{StartedApp, client::Request, in_front, in_front_with_clock};
use serde_json::{Value, json};

/// The lines of the request log, each of which must be JSON.
fn lines(app: &StartedApp) -> Vec<Value> {
    let text = app.log_text();
    let parse = |line: &str| -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line:?}"))
    };
    text.lines().map(parse).filter(|line| line["msg"] == "request").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_11_a_line_says_who_asked_what_and_what_came_of_it() {
    let (upstream, app, clock) = in_front_with_clock("[log]\nservice = \"shop\"\n").await;
    let mut connection = app.connect().await;
    let head = "POST /echo?page=2 HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.5\r\nContent-Length: 8\r\n\r\nhalf";
    connection.write(head).await;
    upstream.until("the first half", |upstream| upstream.requests().iter().any(|seen| seen.body_bytes == 4)).await;
    clock.advance(Duration::from_micros(1_500_250));
    connection.write("half").await;
    let answer = connection.read_response("POST").await.expect_status(200);
    let line = app.request_line("/echo").await;
    let seen = &upstream.requests()[0];
    let trace = seen.header("traceparent").and_then(|parent| parent.split('-').nth(1)).expect("a trace");
    let expected = json!({
        "time": "2027-01-15T08:00:01.500250Z",
        "level": "info",
        "msg": "request",
        "service": "shop",
        "request.id": answer.header("x-request-id"),
        "trace.id": trace,
        "http.method": "POST",
        "url.path": "/echo",
        "url.query": "page=2",
        "http.route": "*",
        "http.status": 200,
        "duration_ms": 1500.25,
        "bytes.in": 8,
        "bytes.out": answer.body.len(),
        "client.address": "127.0.0.1",
        "upstream.duration_ms": 1500.25,
        "user_agent": "curl/8.5",
    });
    assert_eq!(line, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_10_a_line_of_a_refusal_names_the_guard_and_the_problem() {
    let (mut upstream, app) = in_front("[body]\nmax = \"10 B\"\n").await;
    app.client().request(Request::post("/large").body("more than ten bytes")).await.expect_status(413);
    let refused = app.request_line("/large").await;
    assert_eq!((&refused["guard.name"], &refused["problem"]), (&"body".into(), &"request-too-large".into()));
    assert_eq!((refused.get("upstream.duration_ms"), &refused["bytes.in"]), (None, &0.into()), "{refused}");
    upstream.stop().await;
    app.client().get("/down").await.expect_status(503);
    let down = app.request_line("/down").await;
    assert_eq!((down.get("guard.name"), &down["problem"]), (None, &"upstream-unreachable".into()));
    assert!(down["error"].as_str().is_some_and(|error| error.contains("refused")), "{down}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_tells_whether_someone_must_look() {
    let (mut upstream, app) = in_front("[deadline]\nresponse_head = \"150ms\"\n[body]\nmax = \"10 B\"\n").await;
    for (method, path, status, level) in [
        ("GET", "/echo", 200, "info"),
        ("GET", "/status/404", 404, "info"),
        ("GET", "/status/500", 500, "info"),
        ("GET", "/a%2Fb", 400, "info"),
        ("POST", "/large", 413, "info"),
        ("GET", "/_seawall/none", 404, "info"),
        ("GET", "/close", 502, "warn"),
        ("GET", "/never", 504, "warn"),
    ] {
        let body = if method == "POST" { "more than ten bytes" } else { "" };
        app.client().request(Request::new(method, path).body(body)).await.expect_status(status);
        let line = app.request_line(path).await;
        assert_eq!((&line["level"], &line["http.status"]), (&level.into(), &status.into()), "{line}");
    }
    upstream.stop().await;
    app.client().get("/down").await.expect_status(503);
    assert_eq!(app.request_line("/down").await["level"], "warn");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_2_secrets_in_a_query_are_hidden() {
    let (upstream, app) = in_front("").await;
    for (place, name) in [
        "password",
        "passwd",
        "user_password",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "key",
        "api_key",
        "apiKey",
        "api-key",
        "API_KEY",
        "auth",
        "authorization",
        "credential",
        "credentials",
        "bearer",
        "session",
        "code",
        "jwt",
        "user[password]",
        "pass%77ord",
        "%74oken",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/secret/{place}");
        let target = format!("{path}?page=2&{name}=hunter2%26x&sort=name&{name}=hunter2");
        app.client().get(&target).await.expect_status(200);
        let line = app.request_line(&path).await;
        let query = line["url.query"].as_str().expect("a query");
        assert_eq!(query, format!("page=2&{name}=[redacted]&sort=name&{name}=[redacted]"));
        assert_eq!(upstream.requests()[place].target, target, "the application gets it unchanged");
    }
    assert!(!app.log_text().contains("hunter2"));
    app.client().get("/harmless?keyboard=qwerty&monkey=1&author=ann&page=2").await.expect_status(200);
    let line = app.request_line("/harmless").await;
    assert!(line["url.query"].as_str().is_some_and(|query| query.contains("keyboard=qwerty")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_2_no_header_or_body_is_logged() {
    let (_upstream, app) = in_front("").await;
    let request = Request::post("/echo")
        .header("Authorization", "Bearer s3cr3t-authorization")
        .header("Cookie", "session=s3cr3t-cookie")
        .header("X-Api-Key", "s3cr3t-key")
        .header("Referer", "https://a.example/?token=s3cr3t-referer")
        .body("{\"password\":\"s3cr3t-body\"}");
    app.client().request(request).await.expect_status(200);
    app.request_line("/echo").await;
    assert!(!app.log_text().contains("s3cr3t"), "{}", app.log_text());
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_2_nothing_a_client_sends_forges_or_breaks_a_line() {
    let (_upstream, mut app) = in_front("[client_address]\ntrusted = [\"127.0.0.1\"]\n").await;
    let forged = "\",\"level\":\"error\",\"msg\":\"forged\"}";
    let requests: Vec<Vec<u8>> = vec![
        format!("GET /x{forged} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(),
        format!("GET /x?q={forged} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(),
        b"GET /x%0d%0a{\"msg\":\"forged\"} HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET /x?q=%0d%0a{\"msg\":\"forged\"} HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET /x?q=\\\\\\\" HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        format!("GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: {forged}\r\n\r\n").into_bytes(),
        b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: a\tb\\\r\n\r\n".to_vec(),
        b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xfe\xe2\x80\xa8\xe2\x80\xae{\"msg\":\"forged\"}\r\n\r\n"
            .to_vec(),
        format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: {forged}\r\n\r\n").into_bytes(),
        format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forged}\r\n\r\n").into_bytes(),
        format!("FORGED HTTP/1.1\r\nHost: a\r\n\r\nGET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(10)).into_bytes(),
        format!("GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: {}\r\n\r\n", "\"".repeat(20_000)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "%22".repeat(5_000)).into_bytes(),
    ];
    let mut logged = 0;
    for (number, request) in requests.iter().enumerate() {
        let mut connection = app.connect().await;
        connection.write(request).await;
        let answer = connection.read_response("GET").await;
        assert!(matches!(answer.status, 200 | 400 | 414), "{number}: {answer:?}");
        assert!(answer.header("x-request-id").is_some(), "{number}: {answer:?}");
        logged += 1;
    }
    // Each core writes its lines in its own time; the end of the server is the end of all.
    app.drain().await;
    app.ended_within(Duration::from_secs(5)).await;
    let lines = lines(&app);
    assert_eq!(lines.len(), logged, "{lines:#?}");
    for line in &lines {
        assert_eq!((&line["level"], &line["msg"]), (&"info".into(), &"request".into()), "{line}");
        assert!(line["request.id"].as_str().is_some_and(|id| id.len() == 36), "{line}");
        assert_eq!(line["client.address"], "127.0.0.1", "{line}");
    }
    let text = app.log_text();
    assert!(text.bytes().all(|byte| byte == b'\n' || byte >= b' '), "no control character leaves its escape");
    assert!(!text.contains(['\u{2028}', '\u{202e}']), "nor a character that turns lines");
    assert!(text.lines().all(|line| line.len() < 50_000), "a line is bounded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_its_answer_is_logged_as_499() {
    let (upstream, app) = in_front("").await;
    for (path, request) in [
        ("/never", "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("/upload", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"),
    ] {
        let before = upstream.requests().len();
        let mut client = app.connect().await;
        client.write(request).await;
        upstream.until("the request", |upstream| upstream.requests().len() > before).await;
        drop(client);
        let line = app.request_line(path).await;
        assert_eq!((&line["http.status"], &line["level"]), (&499.into(), &"info".into()), "{line}");
        assert_eq!(line.get("guard.name"), None, "{line}");
    }
    let gone = |method| app.metric("http_server_request_duration_seconds", &[method, "*", "499"]);
    assert_eq!((gone("GET"), gone("POST")), (1.0, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_its_answer_keeps_its_status() {
    let (_upstream, app) = in_front("").await;
    let mut client = app.connect().await;
    client.write("GET /trickle/100000/20 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.read_head("GET").await.expect_status(200);
    client.next_piece().await.unwrap();
    drop(client);
    let line = app.request_line("/trickle/100000/20").await;
    assert_eq!(line["http.status"], 200, "{line}");
    assert!(line["bytes.out"].as_u64().is_some_and(|bytes| bytes >= 1), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_those_of_the_bodies() {
    for config in ["", "[body]\nmode = \"off\"\n", "[body]\nmode = \"report\"\nmax = \"1 KB\"\n"] {
        let (_upstream, app) = in_front(config).await;
        let client = app.client();
        for (path, request, received, sent) in [
            ("/bytes/12345", Request::get("/bytes/12345"), 0, Some(12_345)),
            ("/chunked/70000", Request::get("/chunked/70000"), 0, Some(70_000)),
            ("/bytes/99", Request::new("HEAD", "/bytes/99"), 0, Some(0)),
            ("/status/204", Request::get("/status/204"), 0, Some(0)),
            ("/upload/sized", Request::post("/upload/sized").body(vec![b'x'; 5_000]), 5_000, None),
            (
                "/upload/chunked",
                Request::post("/upload/chunked").chunked([vec![b'x'; 700], vec![b'x'; 800]]),
                1_500,
                None,
            ),
        ] {
            let answer = client.request(request).await;
            let line = app.request_line(path).await;
            assert_eq!(line["bytes.in"], received, "{config}{line}");
            assert_eq!(line["bytes.out"], sent.unwrap_or(answer.body.len()), "{config}{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_need_not_be_logged() {
    let (_upstream, mut app) = in_front("[log]\nrequests = false\n").await;
    app.client().get("/echo").await.expect_status(200);
    app.client().get("/a%2Fb").await.expect_status(400);
    app.drain().await;
    app.ended_within(Duration::from_secs(5)).await;
    assert_eq!(app.log_text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_lost_when_the_server_ends() {
    const REQUESTS: usize = 300;
    let (_upstream, mut app) = in_front("[rate_limit]\nlimits = []\n").await;
    let mut connections = [app.connect().await, app.connect().await, app.connect().await];
    for number in 0..REQUESTS / connections.len() {
        for connection in &mut connections {
            connection.send("GET", &format!("/echo?n={number}"), &[], b"").await.expect_status(200);
        }
    }
    app.drain().await;
    app.ended_within(Duration::from_secs(5)).await;
    let lines = lines(&app);
    let ids: std::collections::BTreeSet<_> = lines.iter().map(|line| line["request.id"].as_str()).collect();
    assert_eq!((lines.len(), ids.len()), (REQUESTS, REQUESTS));
}
