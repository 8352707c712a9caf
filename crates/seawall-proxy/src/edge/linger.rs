//! The end of a connection whose client may still be sending.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};

/// How much is read, and for how long.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 4 * 1024;

/// Reads what a client still sends after its connection was ended for it, within limits: the system resets a client whose
/// bytes nobody has read, and it might never see the answer (RFC 9112 section 9.6).
#[derive(Debug)]
pub(super) struct Linger {
    left: usize,
    timer: Pin<Box<Sleep>>,
}

impl Linger {
    pub(super) fn new() -> Self {
        Self { left: MOST_BYTES, timer: Box::pin(tokio::time::sleep(LONGEST)) }
    }

    /// Ready when the client has ended its side, or a limit is reached.
    pub(super) fn poll(&mut self, stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; READ_BYTES];
        while self.timer.as_mut().poll(cx).is_pending() && self.left > 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}
