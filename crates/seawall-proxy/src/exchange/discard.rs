//! Reading a body that nobody wants, so that its sender can read why.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;

use crate::edge::Incoming;

/// How much is read, and for how long.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(1);

/// Reads what is left of a refused body, within limits: a client that is still sending when its connection closes is reset
/// by the system, and might never read the answer.
pub(super) fn discard(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tokio::task::spawn_local(tokio::time::timeout(LONGEST, async move {
        let mut left = MOST_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    }));
}
