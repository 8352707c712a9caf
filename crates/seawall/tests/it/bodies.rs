//! Bodies both ways: byte for byte, as they come, bounded, and given up when one side leaves.

use std::time::Duration;

use seawall_testkit::{
    client::{FailureKind, RawClient, Request},
    in_front,
    upstream::{Checksum, Kind, pattern},
};
use serde_json::json;
use tokio::time::timeout;

/// A few megabytes that are no multiple of any buffer.
const LARGE: usize = 5 * 1024 * 1024 + 4321;

const NO_LIMITS: &str = "[rate_limit]\nlimits = []\n";

#[tokio::test(flavor = "multi_thread")]
async fn uploads_arrive_byte_for_byte_whatever_their_framing() {
    let (upstream, app) = in_front(NO_LIMITS).await;
    let body = pattern(LARGE);
    let mut connection = app.connect().await;
    for size in [0, 1, 16 * 1024, 64 * 1024 + 1, LARGE] {
        let expected = json!({ "received": size, "sum": Checksum::of(&body[..size]).to_string() });
        let sized = Request::post("/upload").body(&body[..size]);
        assert_eq!(connection.request(&sized).await.expect_status(200).json(), expected, "{size} sized");
        let chunked = Request::post("/upload").chunked(body[..size].chunks(40_000));
        assert_eq!(connection.request(&chunked).await.expect_status(200).json(), expected, "{size} chunked");
    }
    assert!(upstream.requests().iter().all(|request| request.body_complete));
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_framing_of_an_upload_is_kept() {
    let (upstream, app) = in_front("").await;
    app.client().request(Request::post("/upload").body("abc")).await.expect_status(200);
    app.client().request(Request::post("/upload").chunked(["abc"])).await.expect_status(200);
    let [sized, chunked] = &upstream.requests()[..] else { panic!("two requests") };
    assert_eq!((sized.header("content-length"), sized.header("transfer-encoding")), (Some("3"), None));
    assert_eq!((chunked.header("content-length"), chunked.header("transfer-encoding")), (None, Some("chunked")));
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_arrive_byte_for_byte_whatever_their_framing() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for kind in ["bytes", "chunked"] {
        for size in [0, 1, 16 * 1024, 64 * 1024 + 1, LARGE] {
            let answer = connection.send("GET", &format!("/{kind}/{size}"), &[], b"").await.expect_status(200);
            assert_eq!(Checksum::of(&answer.body), Checksum::of(&pattern(size)), "{kind} {size}");
            assert_eq!(answer.body.len(), size);
            let framed = if kind == "bytes" { Some(size.to_string()) } else { None };
            assert_eq!(answer.header("content-length"), framed.as_deref(), "{kind} {size}");
        }
    }
}

/// The upstream sends the next event only after a pause in which the client must have seen the last one.
#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_a_stream_arrives_before_the_next_is_sent() {
    let (_upstream, app) = in_front("").await;
    for (path, first) in [("/sse/3/60000", "data: 1\n\n"), ("/trickle/2/60000", "0"), ("/slow-body/60000", "first")] {
        let mut connection = app.connect().await.with_limit(Duration::from_secs(5));
        connection.write(Request::get(path).encode("a")).await;
        connection.read_head("GET").await.expect_status(200);
        let piece = connection.next_piece().await.unwrap();
        assert_eq!(piece.bytes, first, "{path}: long before the second");
    }
    let mut connection = app.connect().await;
    let events = connection.send("GET", "/sse/5/10", &[], b"").await;
    assert_eq!(events.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_an_upload_arrives_before_the_next_is_sent() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    connection.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").await;
    for (number, part) in (1_u64..).zip(["one", "two", "end"]) {
        connection.write(part).await;
        let arrived = |bytes: u64| upstream.requests().last().is_some_and(|request| request.body_bytes == bytes);
        upstream.until(part, |_| arrived(number * 3)).await;
    }
    assert_eq!(connection.read_response("POST").await.json()["body"], "onetwoend");
}

/// What lies in the sockets' buffers on the way is bounded by the system, so a megabyte too many is a buffer of ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_read_stops_the_upload() {
    const MOST: usize = 48 * 1024 * 1024;
    let (upstream, app) = in_front("[body]\nmax = \"1 GB\"\n[deadline]\nresponse_head = \"20s\"\n").await;
    upstream.become_kind(Kind::NeverReads);
    let mut connection = app.connect().await.with_limit(Duration::from_millis(700));
    connection.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n").await;
    let block = pattern(256 * 1024);
    let mut taken = 0;
    while taken < MOST {
        match connection.try_write(&block).await {
            Ok(()) => taken += block.len(),
            Err(FailureKind::TimedOut(_)) => break,
            Err(other) => panic!("the upload must stop, not fail: {other}"),
        }
    }
    assert!(taken < MOST, "{taken} bytes were taken that nobody read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_stops_the_download_and_gets_all_of_it() {
    let (upstream, app) = in_front("[deadline]\nresponse_idle = \"300ms\"\n").await;
    let size = 64 * 1024 * 1024;
    let mut connection = app.connect().await;
    connection.write(Request::get(format!("/bytes/{size}")).encode("a")).await;
    connection.read_head("GET").await.expect_status(200);
    let mut sum = Checksum::default();
    let mut received = 0;
    // Longer than the application may be silent: it is the client who is.
    tokio::time::sleep(Duration::from_millis(900)).await;
    while let Some(piece) = connection.next_piece().await {
        sum.add(&piece.bytes);
        received += piece.bytes.len();
    }
    assert_eq!((received, sum), (size, Checksum::of(&pattern(size))));
    assert_eq!(upstream.connections_opened(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_bodies_beyond_the_limit_are_refused_with_a_readable_problem() {
    let (upstream, app) = in_front("[body]\nmax = \"100 KB\"\n").await;
    let over = pattern(100_001);
    for (kind, request) in [
        ("declared", Request::post("/upload").body(&over[..])),
        ("chunked", Request::post("/upload").chunked(over.chunks(9_000))),
        ("far over", Request::post("/upload").body(pattern(3_000_000))),
        ("far over in chunks", Request::post("/upload").chunked(pattern(3_000_000).chunks(9_000))),
    ] {
        let mut connection = app.connect().await;
        let problem = connection.request(&request).await.expect_problem(413, "request-too-large");
        assert_eq!(problem["code"], "REQUEST_TOO_LARGE", "{kind}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("100 KB")), "{kind}: {problem}");
        connection.expect_reset_or_closed().await;
    }
    assert!(upstream.requests().iter().all(|request| !request.body_complete && request.body_bytes <= 100_000));
    let fits = app.client().request(Request::post("/upload").chunked(over[..100_000].chunks(9_000))).await;
    assert_eq!(fits.expect_status(200).json()["received"], 100_000);
    let line = app.log_line("the refusal", |line| line["guard.name"] == "body").await;
    assert_eq!((&line["http.status"], &line["problem"]), (&413.into(), &"request-too-large".into()));
    assert_eq!(app.metric("seawall_guard_decisions", &["body", "*", "refused"]), 4.0);
    assert_eq!(app.metric("seawall_upstream_failures", &["bad-gateway"]), 0.0, "the application did nothing wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_has_its_own_body_limit() {
    let (_upstream, app) = in_front("[body]\nmax = \"10 B\"\n[route.\"POST /upload\"]\nbody.max = \"1 MB\"\n").await;
    let body = pattern(500_000);
    for request in [Request::post("/upload").body(&body[..]), Request::post("/upload").chunked([&body[..]])] {
        assert_eq!(app.client().request(request).await.expect_status(200).json()["received"], 500_000);
    }
    for request in [Request::post("/echo").body(&body[..11]), Request::new("PUT", "/upload").chunked([&body[..11]])] {
        app.client().request(request).await.expect_problem(413, "request-too-large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_a_body_beyond_the_limit_passes_and_is_reported() {
    let (_upstream, app) = in_front("[body]\nmax = \"10 B\"\nmode = \"report\"\n").await;
    for (path, request) in [
        ("/upload/declared", Request::post("/upload/declared").body("more than ten bytes")),
        ("/upload/chunked", Request::post("/upload/chunked").chunked(["more than", " ten bytes"])),
    ] {
        app.client().request(request).await.expect_status(200);
        let line = app.request_line(path).await;
        assert_eq!(line["guard.reported"], json!(["body"]), "{line}");
    }
    assert_eq!(app.metric("seawall_guard_decisions", &["body", "*", "reported"]), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_4_a_client_that_falls_silent_in_its_body_gets_408() {
    let (upstream, app) = in_front("[deadline]\nrequest_idle = \"150ms\"\n").await;
    let mut connection = app.connect().await;
    connection.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").await;
    let problem = connection.read_response("POST").await.expect_problem(408, "request-timeout");
    assert_eq!(problem["fault"], "client");
    connection.expect_closed().await;
    upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
    assert_eq!(app.metric("seawall_upstream_failures", &["upstream-timeout"]), 0.0);
}

/// Never silent for long, and never done: what it sends is not worth the place it holds. One that is slow by nature goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_drips_its_body_gets_408_and_one_that_is_fast_enough_does_not() {
    let (_upstream, app) = in_front("[deadline]\nrequest_rate = \"1 KB\"\nrequest_grace = \"300ms\"\n").await;
    let sends = async |part: &[u8]| {
        let mut connection = app.connect().await;
        connection.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n").await;
        for _ in 0..3_000 / part.len() {
            if connection.try_write(part).await.is_err() {
                break;
            }
            // The pause is what is tested: many short ones.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        connection.read_response("POST").await
    };
    let (drip, steady) = (&[b'x'; 1][..], &[b'x'; 100][..]);
    let (drips, flows) = tokio::join!(sends(drip), sends(steady));
    drips.expect_problem(408, "request-timeout");
    assert_eq!(flows.expect_status(200).json()["received"], 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_frees_everything() {
    let (upstream, app) = in_front(NO_LIMITS).await;
    type Leave = fn(RawClient);
    let ways: [(&str, Leave); 2] = [("closes", drop), ("resets", RawClient::reset)];
    for (how, leave) in ways {
        for (what, request) in [
            ("in its upload", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf"),
            (
                "in its chunked upload",
                "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            ),
            ("before the answer", "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("in a slow answer", "GET /trickle/100000/20 HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("in a large answer", "GET /bytes/500000000 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ] {
            let before = upstream.requests().len();
            let mut client = app.connect().await;
            client.write(request).await;
            upstream.until("the request", |upstream| upstream.requests().len() > before).await;
            leave(client);
            upstream.until(what, |upstream| upstream.open_connections() == 0).await;
            app.until_metric("http_server_active_requests", &[], 0.0).await;
            app.until_metric("seawall_connections", &[], 0.0).await;
            assert!(
                upstream.requests()[before..].iter().all(|seen| seen.method == "GET" || !seen.body_complete),
                "{how} {what}"
            );
        }
    }
    assert_eq!(app.metric("seawall_upstream_failures", &["bad-gateway"]), 0.0, "the application did nothing wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_given_before_the_whole_upload_arrives_at_once() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    connection.write("POST /early-answer HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf").await;
    let answer = connection.read_response("POST").await.expect_status(200);
    assert_eq!(answer.json()["early"], true);
    // Whether the rest is still taken is the server's choice; the connection must not mistake it for a request.
    let rest = connection.try_request(&Request::get("/echo")).await;
    assert!(rest.is_err() || rest.is_ok_and(|answer| answer.status != 200), "\"GET \" belongs to the body");
    assert!(upstream.requests().iter().all(|request| request.target != "/echo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_download_over_many_connections_is_whole_on_each() {
    let (_upstream, app) = in_front("").await;
    let expected = Checksum::of(&pattern(1_000_000));
    let downloads = (0..16).map(|_| {
        let client = app.client();
        tokio::spawn(async move { Checksum::of(&client.get("/chunked/1000000").await.expect_status(200).body) })
    });
    for download in downloads.collect::<Vec<_>>() {
        let sum = timeout(Duration::from_secs(20), download).await.expect("in time").unwrap();
        assert_eq!(sum, expected);
    }
}
