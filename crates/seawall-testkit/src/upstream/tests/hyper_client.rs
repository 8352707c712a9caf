//! A client that shares no code with the upstream, hyper's, sees the same: good answers are good, broken ones broken.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::upstream::{Checksum, Kind, Upstream, pattern};

type Answer = Result<(Response<()>, Bytes, Option<HeaderMap>), hyper::Error>;

async fn ask(upstream: &Upstream, method: &str, path: &str, body: Bytes) -> Answer {
    let stream = TcpStream::connect(upstream.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "a").body(Full::new(body)).unwrap();
    let (head, body) = sender.send_request(request).await?.into_parts();
    let collected = body.collect().await?;
    let trailers = collected.trailers().cloned();
    Ok((Response::from_parts(head, ()), collected.to_bytes(), trailers))
}

#[tokio::test]
async fn good_answers() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let expected: [(&str, u16, Vec<u8>); 12] = [
        ("/bytes/200001", 200, pattern(200_001)),
        ("/chunked/200001", 200, pattern(200_001)),
        ("/status/204", 204, Vec::new()),
        ("/status/304", 304, Vec::new()),
        ("/status/503", 503, br#"{"status":503}"#.to_vec()),
        ("/slow-body/5", 200, b"firstsecond".to_vec()),
        ("/trickle/12/1", 200, b"012345678901".to_vec()),
        ("/sse/2/1", 200, b"data: 1\n\ndata: 2\n\n".to_vec()),
        ("/100-continue", 200, b"continued".to_vec()),
        ("/103", 200, b"hinted".to_vec()),
        ("/early-close-after-answer", 200, b"fine".to_vec()),
        ("/long-body", 200, b"0123456789".to_vec()),
    ];
    for (path, status, body) in expected {
        let (answer, received, _) = ask(&upstream, "GET", path, Bytes::new()).await.expect(path);
        assert_eq!(answer.status(), status, "{path}");
        assert!(received == body, "{path}: {} bytes", received.len());
        let (answer, received, _) = ask(&upstream, "HEAD", path, Bytes::new()).await.expect(path);
        assert_eq!((answer.status().as_u16(), received.len()), (status, 0), "HEAD {path}");
    }
    let (_, _, trailers) = ask(&upstream, "GET", "/trailers", Bytes::new()).await.unwrap();
    assert_eq!(trailers.expect("there are trailers")["x-count"], "13");
    let body = Bytes::from(pattern(300_000));
    let (_, answer, _) = ask(&upstream, "POST", "/upload", body.clone()).await.unwrap();
    assert_eq!(answer, format!(r#"{{"received":300000,"sum":"{}"}}"#, Checksum::of(&body)));
    assert_eq!(upstream.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn broken_answers() {
    let upstream = Upstream::start(Kind::ByPath).await;
    for path in ["/reset", "/close", "/reset-body", "/short-body", "/bad-head", "/bad-chunk", "/huge-header"] {
        assert!(ask(&upstream, "GET", path, Bytes::new()).await.is_err(), "{path}");
    }
}
