//! One question to a server, for the control plane: the active checks, and documents that an application gives itself.

use std::io;

use bytes::Bytes;
use http::{
    Request, Response, StatusCode,
    header::{ACCEPT, HOST},
};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::super::checked_link::CheckedLink;
use crate::upstream::{Link, Spoken};

/// Asks for a path over a link of its own, from any thread, and gives the status of the answer. The caller bounds the time.
pub(crate) async fn ask(link: Link, spoken: Spoken, host: &str, path: &str) -> io::Result<StatusCode> {
    Ok(exchange(link, spoken, (host, path), None).await?.status())
}

/// The same, and gives all of the answer, when its body is no longer than that.
pub(crate) async fn fetch(
    link: Link,
    spoken: Spoken,
    (host, path): (&str, &str),
    most_bytes: usize,
) -> io::Result<Response<Bytes>> {
    exchange(link, spoken, (host, path), Some(most_bytes)).await
}

async fn exchange(
    link: Link,
    spoken: Spoken,
    (host, path): (&str, &str),
    most_bytes: Option<usize>,
) -> io::Result<Response<Bytes>> {
    let mut request = Request::get(match spoken {
        Spoken::Http1 => path.to_owned(),
        Spoken::Http2 => format!("{}://{host}{path}", if link.encrypted() { "https" } else { "http" }),
    });
    if spoken == Spoken::Http1 {
        request = request.header(HOST, host);
    }
    if most_bytes.is_some() {
        request = request.header(ACCEPT, "application/json");
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    match spoken {
        Spoken::Http1 => {
            let (link, expected) = CheckedLink::new(link);
            expected.ask(&request);
            let (mut sender, connection) =
                http1::Builder::new().handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
            answered(async { read(sender.send_request(request).await, most_bytes).await }, connection).await
        }
        Spoken::Http2 => {
            let builder = http2::Builder::new(TokioExecutor::new());
            let (mut sender, connection) = builder.handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
            answered(async { read(sender.send_request(request).await, most_bytes).await }, connection).await
        }
    }
}

/// An answer with its body, when so much of it is wanted.
async fn read(answer: hyper::Result<Response<Incoming>>, most_bytes: Option<usize>) -> io::Result<Response<Bytes>> {
    let (head, body) = answer.map_err(io::Error::other)?.into_parts();
    let Some(most_bytes) = most_bytes else { return Ok(Response::from_parts(head, Bytes::new())) };
    match Limited::new(body, most_bytes).collect().await {
        Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(io::Error::other(format!("the answer is longer than {most_bytes} bytes")))
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Drives a connection until the answer to its one request is here.
async fn answered<T>(
    asked: impl Future<Output = io::Result<T>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> io::Result<T> {
    let mut connection = std::pin::pin!(connection);
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // Over once the answer was read whole; the answer itself is there then too.
        _ended = &mut connection => asked.await,
    }
}
