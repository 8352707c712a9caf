//! What is said to whoever connects and finds no place.

use std::time::Duration;

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use crate::app::admin;

/// How long it may take to be heard, and how much is read meanwhile: the system resets a client whose bytes nobody has read, and
/// it might never see the answer (RFC 9112 section 9.6).
const HEARD: Duration = Duration::from_secs(1);
const MOST_READ_BYTES: u64 = 64 * 1024;

/// No place is left at the listener of operators, or of calls.
pub(in crate::app) static PROBLEM: ProblemType = ProblemType {
    slug: "too-many-connections",
    code: "TOO_MANY_CONNECTIONS",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Too many connections are open at this listener",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "The listener of the admin interface serves 256 connections at once, the listener for the application's calls 8,192; this one was one too many, and nothing was read of it. Try again later, and \
        keep connections for the next request instead of opening another for each.\n\n\
        For the operator: `seawall_control_connections_closed_total` counts them by listener. A scraper or health check that opens connections and never closes them is the usual reason, or an application whose \
        calls all wait for one slow service.",
};

/// The whole answer.
pub(super) fn answer(pages: &str) -> String {
    let body = admin::document(&PROBLEM, pages, PROBLEM.title).to_string();
    let (status, length) = (PROBLEM.status, body.len());
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Says it, as far as the other side listens.
pub(super) async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(MOST_READ_BYTES), &mut tokio::io::sink()).await
    };
    let _however = timeout(HEARD, said).await;
}
