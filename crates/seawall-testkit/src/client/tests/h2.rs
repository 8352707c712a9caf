//! The HTTP/2 client against hyper's own server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::client::H2Client;

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/never" {
        std::future::pending::<()>().await;
    }
    let seen = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::builder().header("x-seen", seen).body(Full::new(body)).unwrap())
}

/// Serves one connection, then ends the task.
async fn serve_one() -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ended =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(echo)).await;
    });
    (address, task)
}

#[tokio::test]
async fn requests_share_one_connection_that_ends_with_the_client() {
    let (address, server) = serve_one().await;
    let client = H2Client::connect(address).await;
    let large = Bytes::from(vec![7; 3_000_000]);
    let post = Request::post("/upload?x=1").body(Full::new(large.clone())).unwrap();
    let (posted, got) = tokio::join!(client.request(post), client.get("/"));
    assert_eq!(posted.headers()["x-seen"], format!("POST http://{address}/upload?x=1 HTTP/2.0").as_str());
    assert!(posted.into_body() == large);
    assert_eq!(got.status(), 200);
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("the connection ended").unwrap();
}

#[tokio::test]
#[should_panic(expected = "no HTTP/2 head")]
async fn a_silent_server_is_not_waited_for() {
    let (address, _server) = serve_one().await;
    H2Client::connect(address).await.with_limit(Duration::from_millis(100)).get("/never").await;
}

#[tokio::test]
async fn a_connection_that_ends_is_an_error() {
    let (address, server) = serve_one().await;
    let client = H2Client::connect(address).await;
    client.get("/").await;
    server.abort();
    let request = Request::get("/never").body(Full::default()).unwrap();
    assert!(client.try_request(request).await.is_err());
}
