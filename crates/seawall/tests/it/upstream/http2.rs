//! Servers that are spoken to in HTTP/2: many requests on one connection, and what becomes of them when it ends.

mod failing;
mod frames;
mod node;
mod sharing;
mod uploads;

use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use seawall_testkit::{
    Authority, Bridge, StartedApp, TemporaryDirectory, TestApp, Validity,
    client::{H2Client, Request, websocket},
    upstream::{Checksum, H2Upstream, Kind, Upstream, pattern},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const HTTP2: &str = "[upstream]\nprotocol = \"http2\"\n";

/// As many streams as any test opens.
const MANY: u32 = 200;

/// A few megabytes that are no multiple of any window.
const LARGE: usize = 5 * 1024 * 1024 + 4321;

/// A Seawall in front of a server in clear, with more lines of `[upstream]`.
async fn in_front_of_http2(max_streams: u32, toml: &str) -> (H2Upstream, StartedApp) {
    let upstream = H2Upstream::start(max_streams).await;
    let app = before(upstream.url(), toml).await;
    (upstream, app)
}

async fn before(url: String, toml: &str) -> StartedApp {
    TestApp::in_front_of(url).with_config(&format!("{HTTP2}{toml}")).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_arrives_as_one_of_http_2() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let request = Request::post("/echo?q=1")
        .header("Cookie", "a=1; b=2")
        .header("TE", "gzip, trailers")
        .header("Connection", "X-Mine, TE")
        .header("X-Mine", "1")
        .header("X-Other", "2")
        .body("hello");
    let answer = app.client().request(request).await.expect_status(200);
    assert_eq!(answer.version, "HTTP/1.1");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "answers are dressed");
    let echo = answer.json();
    assert_eq!((&echo["method"], &echo["path"], &echo["body"]), (&"POST".into(), &"/echo?q=1".into(), &"hello".into()));
    let [seen] = &upstream.seen()[..] else { panic!("one request") };
    assert_eq!(seen.authority, app.public().to_string());
    assert_eq!(seen.all("host"), [""; 0], "the authority says it");
    assert_eq!((seen.all("te"), seen.all("x-other")), (vec!["trailers"], vec!["2"]));
    assert_eq!(seen.all("cookie").join("; "), "a=1; b=2");
    for name in ["connection", "x-mine", "keep-alive", "transfer-encoding", "upgrade", "expect"] {
        assert_eq!(seen.all(name), [""; 0], "{name}");
    }
    assert_eq!(seen.all("content-length"), ["5"]);
    let line = app.request_line("/echo").await;
    assert!(line["http.status"] == 200 && line.to_string().contains("upstream"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_host_and_the_star_become_pseudo_fields() {
    let (upstream, app) = in_front_of_http2(MANY, "host = \"app.internal:81\"\n").await;
    app.client().get("/echo").await.expect_status(200);
    app.client().request(Request::new("HEAD", "/bytes/10")).await.expect_status(200);
    let seen = upstream.seen();
    assert_eq!((seen[0].authority.as_str(), seen[1].method.as_str()), ("app.internal:81", "HEAD"));
    assert_eq!(seen[0].all("te"), [""; 0], "the client takes no trailers");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_go_both_ways_at_once() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let client = H2Client::connect(app.public()).await;
    let body = pattern(LARGE);
    let everyday = app.client();
    let (up, down, mirror) = tokio::join!(
        everyday.request(Request::post("/upload").body(body.clone())),
        everyday.get("/bytes/5247201"),
        client.request(http::Request::post("/mirror").body(Full::new(Bytes::from(body.clone()))).unwrap()),
    );
    let up = up.expect_status(200).json();
    assert_eq!((&up["received"], &up["sum"]), (&LARGE.into(), &Checksum::of(&body).to_string().into()));
    assert!(down.expect_status(200).body == body && mirror.body()[..] == body[..]);
    assert_eq!(upstream.seen().len(), 3);
}

/// What some clients do not take holds the answers of others on the same connection up in no way.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_hold_up_nobody_else() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let mut slow = Vec::new();
    for _ in 0..30 {
        let mut client = app.connect().await;
        client.write("GET /bytes/20000000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        slow.push(client);
    }
    upstream.until("the slow ones", |upstream| upstream.seen().len() == 30).await;
    for _ in 0..20 {
        let answer = app.client().get("/bytes/300000").await.expect_status(200);
        assert!(answer.body == pattern(300_000));
    }
    assert!(upstream.opened() <= 2, "one connection for each core: {}", upstream.opened());
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass_both_ways() {
    let (_upstream, app) = in_front_of_http2(MANY, "").await;
    let mut client = app.connect().await;
    client.write("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n").await;
    client.read_response("GET").await.expect_status(200);
    assert_eq!(client.trailers(), [("x-checksum".to_owned(), "abc".to_owned())]);
    let text = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n";
    client.write(text).await;
    let echo = client.read_response("POST").await.expect_status(200).json();
    assert_eq!((&echo["body"], &echo["trailers"]), (&"hi".into(), &serde_json::json!([["x-sum", "7"]])));
}

/// A server over https that agrees on these protocols.
async fn encrypted(to: std::net::SocketAddr, speaks: &[&str], protocol: &str) -> (Bridge, StartedApp) {
    let authority = Authority::new();
    let bridge = Bridge::tls_speaking(authority.identity("localhost", Validity::Current), to, speaks).await;
    let app = trusting(&authority, bridge.url(), protocol).start().await;
    (bridge, app)
}

fn trusting(authority: &Authority, url: String, protocol: &str) -> TestApp {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("authority.pem"), authority.pem()).unwrap();
    TestApp::in_front_of(url)
        .with_config(&format!("[upstream]\nca_file = \"authority.pem\"\nprotocol = \"{protocol}\"\n"))
        .in_directory(directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_alpn_decides() {
    let (h2, h1) = (H2Upstream::start(MANY).await, Upstream::start(Kind::ByPath).await);
    let both = ["h2", "http/1.1"];
    for protocol in ["auto", "http2"] {
        let seen = h2.seen().len();
        let (_bridge, app) = encrypted(h2.address, &both, protocol).await;
        app.client().get("/echo").await.expect_status(200);
        assert_eq!(h2.seen().len(), seen + 1, "{protocol}");
    }
    for (protocol, speaks) in [("auto", &["http/1.1"][..]), ("auto", &[]), ("http1", &both)] {
        let seen = h1.requests().len();
        let (_bridge, app) = encrypted(h1.address, speaks, protocol).await;
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let client = app.client();
                tokio::spawn(async move { client.get("/echo").await.expect_status(200) })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(h1.requests().len(), seen + 20, "{protocol} {speaks:?}");
    }
    for speaks in [&["http/1.1"][..], &[]] {
        let (_bridge, app) = encrypted(h1.address, speaks, "http2").await;
        app.client().get("/refused").await.expect_problem(503, "upstream-unreachable");
        let error = app.request_line("/refused").await["error"].to_string();
        assert!(error.contains("does not speak HTTP/2 over TLS (by ALPN)"), "{error}");
    }
}

/// The first connection shows that the server chooses HTTP/1.1. Whoever waited to share it opens one of its own, all at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_turns_out_to_speak_http_1_serves_the_first_burst_at_once() {
    let h1 = Upstream::start(Kind::ByPath).await;
    let authority = Authority::new();
    let identity = authority.identity("localhost", Validity::Current);
    let bridge = Bridge::tls_speaking(identity, h1.address, &["http/1.1"]).await;
    let entrance = bridge.url().replace("https://localhost", "127.0.0.1");
    let gate = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://localhost:{}", gate.local_addr().unwrap().port());
    let app = trusting(&authority, url, "auto").on_one_core().start().await;
    let mut requests = JoinSet::new();
    for _ in 0..4 {
        let client = app.client();
        requests.spawn(async move { client.get("/echo").await.status });
    }
    let (first, _) = gate.accept().await.unwrap();
    app.until_metric("http_server_active_requests", &[], 4.0).await;
    let mut passed = JoinSet::new();
    let mut pass = |mut stream: TcpStream| {
        let entrance = entrance.clone();
        passed.spawn(async move {
            let mut bridge = TcpStream::connect(entrance).await.unwrap();
            let _ended = tokio::io::copy_bidirectional(&mut stream, &mut bridge).await;
        });
    };
    pass(first);
    // None of these gets any further before all are there.
    let mut others = Vec::new();
    for _ in 0..3 {
        let accepted = tokio::time::timeout(Duration::from_secs(3), gate.accept()).await;
        others.push(accepted.expect("nobody waits for another's connection").unwrap().0);
    }
    others.into_iter().for_each(&mut pass);
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_clear_auto_is_http_1_and_http2_needs_a_server_that_speaks_it() {
    let h1 = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(h1.url()).with_config("[upstream]\nprotocol = \"auto\"\n").start().await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(h1.requests()[0].version, "HTTP/1.1");
    assert_eq!(h1.violations(), [""; 0]);
    let app = before(h1.url(), "").await;
    app.client().get("/refused").await.expect_problem(503, "upstream-unreachable");
    let error = app.request_line("/refused").await["error"].to_string();
    assert!(error.contains("does not speak HTTP/2"), "{error}");
}

/// A WebSocket goes over a connection of its own; a server that speaks HTTP/2 alone cannot have one, and the log says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_goes_over_http_1() {
    let h1 = Upstream::start(Kind::ByPath).await;
    let (_bridge, app) = encrypted(h1.address, &["http/1.1"], "http2").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");

    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let upgrade = Request::get("/ws")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    app.client().request(upgrade).await.expect_problem(502, "bad-gateway");
    let error = app.request_line("/ws").await["error"].to_string();
    assert!(error.contains("needs HTTP/1.1"), "{error}");
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_are_asked_in_the_servers_protocol() {
    let servers = [H2Upstream::start(MANY).await, H2Upstream::start(MANY).await];
    let config = format!("{HTTP2}check_path = \"/status/204\"\ncheck_interval = \"100ms\"\n");
    let urls = servers.each_ref().map(H2Upstream::url);
    let app = TestApp::in_front_of_servers(urls).with_config(&config).start().await;
    for server in &servers {
        server.until("three checks", |server| server.seen().len() >= 3).await;
        assert!(server.seen().iter().all(|seen| seen.path == "/status/204"));
    }
    app.client().get("/echo").await.expect_status(200);
    let config = config.replace("204", "500");
    app.reload_with(&config).await;
    app.until_metric("seawall_upstream_up", &[&servers[0].url()], 0.0).await;
}

/// With a reload the protocol changes; requests that run go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_the_limits() {
    let (upstream, app) = in_front_of_http2(MANY, "max_streams = 1\n").await;
    let hold = {
        let client = app.client();
        tokio::spawn(async move { client.get("/hold").await })
    };
    upstream.until("the request", |upstream| upstream.seen().len() == 1).await;
    app.reload_with(&format!("{HTTP2}max_streams = 50\n")).await;
    app.client().get("/echo").await.expect_status(200);
    upstream.release();
    assert_eq!(hold.await.unwrap().expect_status(200).text(), "released");
}

/// Nothing is sent on it, so it is closed after `keep`.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed() {
    let (upstream, app) = in_front_of_http2(MANY, "keep = \"200ms\"\n").await;
    app.client().get("/echo").await.expect_status(200);
    upstream.until("the end of the connection", |upstream| upstream.open() == 0).await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(upstream.opened(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_gets_a_timeout_and_the_application_a_reset() {
    let config = format!("{HTTP2}[deadline]\nresponse_head = \"300ms\"\n");
    let upstream = H2Upstream::start(MANY).await;
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    app.client().get("/hold").await.expect_problem(504, "upstream-timeout");
    app.client().request(Request::post("/hold").body("x")).await.expect_problem(504, "upstream-timeout");
    upstream.until("the resets", |upstream| upstream.cancelled() == 2).await;
    app.client().get("/echo").await.expect_status(200);
    assert!(upstream.opened() <= 2, "the connections live on: {}", upstream.opened());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_resets_its_stream_only() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let client = H2Client::connect(app.public()).await;
    let open = |path: &str| http::Request::get(path).body(Full::default()).unwrap();
    let leaves = tokio::time::timeout(Duration::from_millis(300), client.open(open("/hold"))).await;
    assert!(leaves.is_err(), "it is held");
    upstream.until("the reset", |upstream| upstream.cancelled() == 1).await;
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!((upstream.opened(), upstream.open()), (1, 1));
}
