//! Compression of answers, as clients meet it: every coding over both protocols, promptly, bounded, and never for what must stay
//! as it is.

use std::{io::Read, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use seawall_testkit::{
    StartedApp,
    client::{H2Client, RawResponse, Request},
    in_front,
    upstream::{Checksum, pattern},
};

const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];
const TEXT: &str = "Content-Type=text/plain";
const NO_LIMITS: &str = "[rate_limit]\nlimits = []\n";
const SMALL_TOO: &str = "[compression]\nmin_size = \"1 B\"\n[rate_limit]\nlimits = []\n";

/// As much as can be decoded of a body that may not be complete, and whether it was.
pub(crate) fn decoded(coding: &str, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut reader: Box<dyn Read + '_> = match coding {
        "zstd" => Box::new(zstd::Decoder::new(bytes).expect("a decoder")),
        "br" => Box::new(brotli::Decompressor::new(bytes, 4_096)),
        "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
        other => panic!("nobody asked for {other}"),
    };
    let mut all = Vec::new();
    let mut some = vec![0; 16 * 1024];
    loop {
        match reader.read(&mut some) {
            Ok(0) => return (all, true),
            Ok(count) => all.extend_from_slice(&some[..count]),
            Err(_) => return (all, false),
        }
    }
}

fn get(path: &str, coding: &str) -> Request {
    Request::get(path).header("Accept-Encoding", coding)
}

async fn fetched(app: &StartedApp, path: &str, headers: &[(&str, &str)]) -> RawResponse {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    app.client().request(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_12_every_coding_unfolds_to_what_the_application_sent() {
    let (upstream, app) = in_front(SMALL_TOO).await;
    let mut connection = app.connect().await.with_limit(Duration::from_secs(60));
    for coding in CODINGS {
        for kind in ["bytes", "chunked"] {
            for size in [1, 1_400, 16 * 1024, 64 * 1024 + 1, 1_000_003] {
                let answer =
                    connection.request(&get(&format!("/{kind}/{size}?{TEXT}"), coding)).await.expect_status(200);
                assert_eq!(answer.header("content-encoding"), Some(coding), "{kind} {size}: {answer:?}");
                assert_eq!((answer.header("content-length"), answer.header("vary")), (None, Some("Accept-Encoding")));
                assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
                let (body, whole) = decoded(coding, &answer.body);
                assert!(whole && body.len() == size, "{coding} {kind} {size}: {} bytes", body.len());
                assert_eq!(Checksum::of(&body), Checksum::of(&pattern(size)), "{coding} {kind} {size}");
                assert!(size < 16 * 1024 || answer.body.len() < size / 4, "{coding}: {} of {size}", answer.body.len());
            }
        }
    }
    assert_eq!(upstream.connections_opened(), 1, "connections are kept after compressed answers");
    for coding in CODINGS {
        assert_eq!(app.metric("seawall_compression_answers", &[coding]), 10.0);
    }
    assert_eq!(app.metric("seawall_compression_bytes", &["in"]), 3.0 * 2.0 * 1_083_325.0);
    assert!(app.metric("seawall_compression_bytes", &["out"]) < 600_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_whole_and_the_log_tells_what_was_sent() {
    const SIZE: usize = 5 * 1024 * 1024 + 4_321;
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await.with_limit(Duration::from_secs(60));
    let answer = connection.request(&get(&format!("/bytes/{SIZE}?{TEXT}"), "zstd")).await.expect_status(200);
    let (body, whole) = decoded("zstd", &answer.body);
    assert!(whole && Checksum::of(&body) == Checksum::of(&pattern(SIZE)), "{} bytes", body.len());
    let line = app.request_line(&format!("/bytes/{SIZE}")).await;
    assert_eq!(line["bytes.out"].as_u64(), Some(answer.body.len() as u64), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_12_answers_that_must_stay_as_they_are_do() {
    let (_upstream, app) = in_front("").await;
    for query in [
        "Content-Type=image/png",
        "Content-Type=application/octet-stream",
        "Content-Type=text/event-stream",
        "Content-Type=text/plain&Content-Encoding=br",
        "Content-Type=text/plain&Cache-Control=public,no-transform",
        "Content-Type=text/plain&Content-Digest=sha-256%3D:x:",
        "Content-Type=text/plain&Set-Cookie=session%3D1",
        "Content-Type=application/json&ETag=%22x%22",
    ] {
        let path = format!("/bytes/20000?{query}");
        let asked = fetched(&app, &path, &[("Accept-Encoding", "gzip, br, zstd")]).await.expect_status(200);
        let plain = fetched(&app, &path, &[]).await.expect_status(200);
        assert!(asked.body == plain.body && asked.body.len() == 20_000, "{query}");
        for name in ["content-length", "content-encoding", "etag", "vary", "content-type"] {
            assert_eq!(asked.header(name), plain.header(name), "{name}: {query}");
        }
    }
    for (request, path) in [
        (get(&format!("/bytes/1024?{TEXT}"), "gzip"), "too small"),
        (get(&format!("/bytes/20000?{TEXT}"), "gzip;q=0"), "not wanted"),
        (Request::get(format!("/bytes/20000?{TEXT}")), "not asked for"),
        (get("/bytes/20000?Content-Type=text/html", "gzip").header("Cookie", "session=1"), "a page for someone"),
        (Request::new("HEAD", format!("/bytes/20000?{TEXT}")).header("Accept-Encoding", "gzip"), "no body"),
    ] {
        let answer = app.client().request(request).await.expect_status(200);
        assert_eq!(answer.header("content-encoding"), None, "{path}: {answer:?}");
        assert!(answer.header("content-length").is_some(), "{path}: {answer:?}");
    }
    assert_eq!(app.metric("seawall_compression_bytes", &["in"]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_whole_body_pass() {
    let (_upstream, app) = in_front(SMALL_TOO).await;
    for status in [204, 304, 404, 500] {
        let answer = fetched(&app, &format!("/status/{status}?ETag=%22x%22"), &[("Accept-Encoding", "gzip")]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (status, None), "{answer:?}");
        assert_eq!(answer.header("etag"), Some("\"x\""));
    }
    let part = "/status/206?Content-Type=text/plain&Content-Range=bytes%200-13/20";
    let answer = fetched(&app, part, &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-13")]).await;
    assert_eq!(
        (answer.status, answer.header("content-encoding"), answer.header("content-length")),
        (206, None, Some("14"))
    );
    let asked = [("Accept-Encoding", "gzip"), ("If-None-Match", "W/\"x\"")];
    let unmodified = fetched(&app, "/status/304?ETag=%22x%22", &asked).await;
    assert_eq!((unmodified.status, unmodified.header("etag")), (304, Some("W/\"x\"")), "the tag that the client has");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_become_weak_and_parts_are_not_offered() {
    let (_upstream, app) = in_front("").await;
    let path = "/bytes/20000?Content-Type=text/css&ETag=%22x%22&Accept-Ranges=bytes&Vary=Origin";
    let answer = fetched(&app, path, &[("Accept-Encoding", "gzip")]).await.expect_status(200);
    assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (Some("W/\"x\""), None));
    assert_eq!(answer.headers_named("vary"), ["Origin", "Accept-Encoding"]);
}

/// The application says the second thing long after the client must have read the first.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_application_says_arrives_before_it_says_more() {
    let (_upstream, app) = in_front("").await;
    for coding in CODINGS {
        for (path, first) in [("/slow-body/60000", "first"), ("/trickle/3/60000", "0")] {
            let mut connection = app.connect().await.with_limit(Duration::from_secs(5));
            connection.write(get(path, coding).encode("a")).await;
            let head = connection.read_head("GET").await.expect_status(200);
            assert_eq!(head.header("content-encoding"), Some(coding));
            let mut received = Vec::new();
            while decoded(coding, &received).0 != first.as_bytes() {
                received.extend_from_slice(&connection.next_piece().await.expect("the stream goes on").bytes);
            }
        }
    }
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    let (_upstream, app) = in_front(SMALL_TOO).await;
    for coding in CODINGS {
        for path in ["/short-body", "/reset-body", "/bad-chunk"] {
            let mut connection = app.connect().await;
            connection.write(get(path, coding).encode("a")).await;
            let answer = connection.try_read_response("GET").await;
            assert!(answer.is_err(), "{coding} {path} looks whole: {answer:?}");
        }
    }
    assert_eq!(app.metric("seawall_upstream_failures", &["broken-body"]), 9.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_follow_a_compressed_body() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    let request = get("/trailers", "gzip").header("TE", "trailers");
    let plain = connection.request(&Request::get("/trailers").header("TE", "trailers")).await.expect_status(200);
    let answer = connection.request(&request).await.expect_status(200);
    assert_eq!(decoded("gzip", &answer.body), (b"with trailers".to_vec(), true));
    assert_eq!(answer.trailers, plain.trailers);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_answers_over_http2() {
    let (_upstream, app) = in_front(NO_LIMITS).await;
    let client = H2Client::connect(app.public()).await.with_limit(Duration::from_secs(60));
    let request = |path: &str, coding: &str| {
        let request = http::Request::get(path).header("accept-encoding", coding);
        request.body(Full::<Bytes>::default()).expect("a valid request")
    };
    for coding in CODINGS {
        let answer = client.request(request(&format!("/chunked/300000?{TEXT}"), coding)).await;
        assert_eq!(answer.headers()["content-encoding"], coding);
        let (body, whole) = decoded(coding, answer.body());
        assert!(whole && body == pattern(300_000), "{coding}: {} bytes", body.len());
    }
    let broken = client.open(request("/reset-body", "gzip")).await.expect("a head");
    assert_eq!(broken.headers()["content-encoding"], "gzip");
    assert!(broken.into_body().collect().await.is_err(), "a stream that broke off is reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_most_at_once_answers_go_out_as_they_are() {
    let (_upstream, app) = in_front("[compression]\nmax_at_once = 1\n").await;
    let mut first = app.connect().await;
    first.write(get("/slow-body/60000", "gzip").encode("a")).await;
    assert_eq!(first.read_head("GET").await.header("content-encoding"), Some("gzip"));
    let path = format!("/bytes/20000?{TEXT}");
    let answer = app.client().request(get(&path, "gzip")).await.expect_status(200);
    assert_eq!((answer.header("content-encoding"), answer.body.len()), (None, 20_000));
    assert_eq!(app.metric("seawall_compression_answers", &["full"]), 1.0);
    drop(first);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let answer = app.client().request(get(&path, "gzip")).await.expect_status(200);
    assert_eq!(answer.header("content-encoding"), Some("gzip"), "the place came back when the client left");
}

/// Two hundred clients that take nothing: what is compressed for them waits in the sockets and in bounded encoders.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figure tells how far from the bound it is")]
async fn clients_that_do_not_read_hold_bounded_memory() {
    const MOST_GROWTH: u64 = 400 * 1024 * 1024;
    let (_upstream, app) = in_front(NO_LIMITS).await;
    app.client().request(get(&format!("/bytes/100000?{TEXT}"), "br")).await.expect_status(200);
    let before = crate::memory::resident();
    let mut clients = Vec::new();
    for number in 0..200 {
        let mut client = app.connect().await;
        let path = format!("/bytes/2000000000?{TEXT}");
        client.write(get(&path, CODINGS[number % 3]).encode("a")).await;
        clients.push(client);
    }
    for client in &mut clients {
        client.read_head("GET").await.expect_status(200);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let growth = crate::memory::resident().saturating_sub(before);
    println!("200 clients that do not read: memory grew by {} MB", growth / 1_000_000);
    assert!(growth < MOST_GROWTH, "memory grew by {growth} bytes");
    assert_eq!(app.metric("seawall_compression_answers", &["full"]), 72.0, "so many were one too many");
    drop(clients);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}
