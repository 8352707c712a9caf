//! The body of a request for a built-in target: small, so it is read whole before the target is asked.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::problem::Problem;
use seawall_guards::body::TOO_LARGE;

use super::{Exchange, discard::discard, upload::ClientFault};
use crate::{edge::Incoming, problems::REQUEST_TIMEOUT};

/// The largest body that a built-in target takes, and how long it may take to arrive.
const MOST_BYTES: usize = 16 * 1024;
const LONGEST: Duration = Duration::from_secs(10);

/// Why it was not read whole.
enum Cut {
    TooLarge,
    Broken(ClientFault),
}

impl Exchange {
    /// Reads it.
    ///
    /// # Errors
    /// A problem when it is larger, slower, or breaks off.
    pub(super) async fn read_brief(&mut self, mut body: Incoming) -> Result<Bytes, Box<Problem>> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        match tokio::time::timeout(LONGEST, collect(&mut body)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(Cut::TooLarge)) => {
                discard(body);
                let detail = format!("This path accepts bodies of up to {} KiB.", MOST_BYTES / 1024);
                Err(Box::new(Problem::new(&TOO_LARGE).detail(detail).close()))
            }
            Ok(Err(Cut::Broken(fault))) => Err(self.broken_by_client(fault)),
            Err(_) => Err(Box::new(Problem::new(&REQUEST_TIMEOUT).close())),
        }
    }
}

async fn collect(body: &mut Incoming) -> Result<Bytes, Cut> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cut::Broken(ClientFault::of(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        if collected.len() + data.len() > MOST_BYTES {
            return Err(Cut::TooLarge);
        }
        collected.extend_from_slice(data);
    }
    Ok(collected.freeze())
}
