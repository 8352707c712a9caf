//! One question to a server, for the active checks on the control plane.

use std::io;

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::super::checked_link::CheckedLink;
use crate::upstream::{Link, Spoken};

/// Asks for a path over a link of its own, from any thread, and gives the status of the answer. The caller bounds the time.
pub(crate) async fn ask(link: Link, spoken: Spoken, host: &str, path: &str) -> io::Result<StatusCode> {
    match spoken {
        Spoken::Http1 => ask_http1(link, host, path).await,
        Spoken::Http2 => ask_http2(link, host, path).await,
    }
}

async fn ask_http1(link: Link, host: &str, path: &str) -> io::Result<StatusCode> {
    let request = Request::get(path).header(HOST, host).body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let (link, expected) = CheckedLink::new(link);
    expected.ask(&request);
    let (mut sender, connection) =
        http1::Builder::new().handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
    let asked = async { sender.send_request(request).await.map(|answer| answer.status()) };
    answered(asked, connection).await
}

async fn ask_http2(link: Link, host: &str, path: &str) -> io::Result<StatusCode> {
    let uri = format!("{}://{host}{path}", if link.encrypted() { "https" } else { "http" });
    let request = Request::get(uri).body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let (mut sender, connection) =
        http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
    let asked = async { sender.send_request(request).await.map(|answer| answer.status()) };
    answered(asked, connection).await
}

/// Drives a connection until the answer to its one request is here.
async fn answered(
    asked: impl Future<Output = hyper::Result<StatusCode>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> io::Result<StatusCode> {
    let mut connection = std::pin::pin!(connection);
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        status = &mut asked => status.map_err(io::Error::other),
        // Over once the answer was read whole; the answer itself is there then too.
        _ended = &mut connection => asked.await.map_err(io::Error::other),
    }
}
