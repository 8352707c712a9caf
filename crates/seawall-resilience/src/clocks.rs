//! The four clocks of one exchange over HTTP. A service can fail by silence at any point of it, and each point needs a bound of its
//! own: the connection, the first byte of the answer, silence in the middle of it, and everything together.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Deadline;

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Resolving the name, connecting and encrypting.
    pub connect: Duration,
    /// From the request until the head of the answer.
    pub first_byte: Duration,
    /// Silence between two parts of the answer, while somebody waits for the next one.
    pub idle: Duration,
    /// All attempts, the waits between them, and the whole answer.
    pub total: Duration,
}

/// The clock that ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Late {
    /// No connection.
    #[error("no connection in time")]
    Connect,
    /// No head of an answer.
    #[error("no answer in time")]
    FirstByte,
    /// Silence in the middle of an answer.
    #[error("the answer stopped")]
    Idle,
    /// Not done in all the time there was.
    #[error("not done in time")]
    Total,
}

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    /// A clock ran out.
    #[error(transparent)]
    Late(#[from] Late),
    /// It broke off.
    #[error("the answer broke off")]
    Broken(#[source] E),
}

pin_project! {
    /// A body under the clocks of silence and of everything. Silence is counted only while the next part is waited for, so that a
    /// reader who is slow makes no writer late.
    #[derive(Debug)]
    pub struct Clocked<B> {
        #[pin]
        body: B,
        idle: Duration,
        #[pin]
        alarm: Sleep,
        // Whether the alarm is that of the silence that lasts; otherwise it has to be set first.
        waiting: bool,
        total: Option<Instant>,
    }
}

impl<B> Clocked<B> {
    /// A body whose parts come at most `idle` apart, and which ends before the deadline.
    pub fn new(body: B, idle: Duration, total: Deadline) -> Self {
        Self { body, idle, alarm: sleep_until(Instant::now()), waiting: false, total: total.instant() }
    }
}

impl<B: Body> Body for Clocked<B> {
    type Data = B::Data;
    type Error = ReadError<B::Error>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.waiting = false;
            // A stream that never pauses would never be asked for the time by its alarm.
            if frame.is_some() && this.total.is_some_and(|total| total <= Instant::now()) {
                return Poll::Ready(Some(Err(Late::Total.into())));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(ReadError::Broken)));
        }
        if !*this.waiting {
            let silent = Instant::now().checked_add(*this.idle);
            let first = match (silent, *this.total) {
                (Some(silent), Some(total)) => Some(silent.min(total)),
                (one, other) => one.or(other),
            };
            // Without either clock the alarm is never set, and nothing is waited for but the body.
            let Some(first) = first else { return Poll::Pending };
            this.alarm.as_mut().reset(first);
            *this.waiting = true;
        }
        if this.alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let late =
            if this.total.is_some_and(|total| total <= this.alarm.deadline()) { Late::Total } else { Late::Idle };
        Poll::Ready(Some(Err(late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    //! In paused time.

    use bytes::Bytes;
    use http_body_util::{BodyExt, channel::Channel};
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_body_and_a_slow_reader_does_not() {
        let (mut parts, body) = Channel::<Bytes>::new(4);
        let mut body = Box::pin(Clocked::new(body, 2 * SECOND, Deadline::none()));
        let feed = async {
            for _ in 0..3 {
                parts.send_data(Bytes::from_static(b"a")).await.unwrap();
                sleep(SECOND).await;
            }
            parts
        };
        let read = async {
            for _ in 0..3 {
                assert!(body.frame().await.unwrap().is_ok());
            }
        };
        let ((), parts) = tokio::join!(read, feed);
        advance(10 * SECOND).await;
        let begun = Instant::now();
        assert!(matches!(body.frame().await, Some(Err(ReadError::Late(Late::Idle)))));
        assert_eq!(begun.elapsed(), 2 * SECOND);
        drop(parts);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_ends_with_the_deadline() {
        let (mut parts, body) = Channel::<Bytes>::new(1);
        let mut body = Box::pin(Clocked::new(body, 2 * SECOND, Deadline::after(5 * SECOND)));
        let feed = async {
            while parts.send_data(Bytes::from_static(b"a")).await.is_ok() {
                sleep(SECOND).await;
            }
        };
        let read = async {
            let begun = Instant::now();
            loop {
                match body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(ReadError::Late(late))) => break (late, begun.elapsed()),
                    other => panic!("{other:?}"),
                }
            }
        };
        let ended = tokio::select! { ended = read => ended, () = feed => panic!("the feed ended") };
        assert_eq!(ended, (Late::Total, 5 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_ends_is_read_whole() {
        let body = Clocked::new(http_body_util::Full::new(Bytes::from_static(b"whole")), SECOND, Deadline::none());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "whole");
    }
}
