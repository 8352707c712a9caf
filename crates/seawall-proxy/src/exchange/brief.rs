//! The body of a request for a built-in target: small, so it is read whole before the target is asked.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::problem::Problem;
use seawall_guards::{body::TOO_LARGE, strict_http::INVALID_REQUEST};

use super::discard::discard;
use crate::{
    edge::{self, Incoming},
    problems::REQUEST_TIMEOUT,
};

/// The largest body that a built-in target takes, and how long it may take to arrive.
const MOST_BYTES: usize = 16 * 1024;
const LONGEST: Duration = Duration::from_secs(10);

/// Reads it.
///
/// # Errors
/// A problem when it is larger, slower, or breaks off.
pub(super) async fn read(mut body: Incoming) -> Result<Bytes, Box<Problem>> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(LONGEST, collect(&mut body)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(problem)) => {
            discard(body);
            Err(problem)
        }
        Err(_) => Err(Box::new(Problem::new(&REQUEST_TIMEOUT).close())),
    }
}

async fn collect(body: &mut Incoming) -> Result<Bytes, Box<Problem>> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Box::new(broken(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        if collected.len() + data.len() > MOST_BYTES {
            let detail = format!("This path accepts bodies of up to {} KiB.", MOST_BYTES / 1024);
            return Err(Box::new(Problem::new(&TOO_LARGE).detail(detail).close()));
        }
        collected.extend_from_slice(data);
    }
    Ok(collected.freeze())
}

fn broken(error: &edge::ConnectionError) -> Problem {
    let problem = Problem::new(&INVALID_REQUEST).close();
    match edge::refusal(error) {
        Some(refusal) => problem.detail(refusal.detail()).inside(refusal.to_string()),
        None => problem.inside("the client left in the middle of its body"),
    }
}
