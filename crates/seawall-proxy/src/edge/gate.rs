//! Between a socket and hyper: bytes pass only once the checker has found them right.
//!
//! What is right at once, which is nearly everything, is read straight into the reader's own buffer and checked there. Only
//! what must wait (the start of a head whose end has not come) is taken out again and kept.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use seawall_core::http::framing::{Checked, Outcome, Refusal, RequestChecker, ResponseChecker};
use tokio::io::{AsyncRead, ReadBuf};

/// What decides on bytes.
pub(super) trait Check {
    /// Looks at all bytes that came and have not passed.
    fn check(&mut self, held: &[u8]) -> Checked;
}

impl Check for RequestChecker {
    fn check(&mut self, held: &[u8]) -> Checked {
        self.check(held)
    }
}

impl Check for ResponseChecker {
    fn check(&mut self, held: &[u8]) -> Checked {
        self.check(held)
    }
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Bytes that passed.
    Bytes,
    /// Nothing: the other side has ended. What was held is of no use to anyone.
    End,
    /// Nothing: what comes next is refused.
    Refused(Refusal),
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Gate<C> {
    checker: C,
    /// What came and was not given yet. Empty, and without memory, while nothing has to wait.
    held: BytesMut,
    /// How many of the bytes held, from the front, have passed.
    passed: usize,
    refusal: Option<Refusal>,
    /// Whether everything passes unseen.
    open: bool,
}

impl<C: Check> Gate<C> {
    pub(super) fn new(checker: C) -> Self {
        Self { checker, held: BytesMut::new(), passed: 0, refusal: None, open: false }
    }

    /// Takes what was read already, before anything else was.
    pub(super) fn bring(&mut self, came: BytesMut) {
        if self.open {
            self.passed = came.len();
            self.held = came;
        } else {
            self.hold(came);
        }
    }

    /// Everything passes unseen from here on, what is held too: another protocol speaks.
    pub(super) fn open(&mut self) {
        self.open = true;
        self.passed = self.held.len();
    }

    pub(super) const fn checker(&mut self) -> &mut C {
        &mut self.checker
    }

    /// Why nothing passes any more.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.filter(|_| !self.open)
    }

    /// The bytes that did not pass.
    pub(super) fn unpassed(&self) -> &[u8] {
        self.held.get(self.passed..).unwrap_or_default()
    }

    /// Gives these bytes in the place of those that were refused.
    pub(super) fn substitute(&mut self, bytes: &[u8]) {
        self.held = BytesMut::from(bytes);
        self.passed = bytes.len();
    }

    /// Gives what has passed, or reads until something does; `came` is told of every byte that arrives.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        came: impl Fn(),
    ) -> Poll<io::Result<Given>> {
        loop {
            if self.give(buffer) {
                return Poll::Ready(Ok(Given::Bytes));
            }
            if let Some(refusal) = self.refusal() {
                return Poll::Ready(Ok(Given::Refused(refusal)));
            }
            let before = buffer.filled().len();
            ready!(Pin::new(&mut *stream).poll_read(cx, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            if read.is_empty() {
                let full = buffer.remaining() == 0;
                return Poll::Ready(Ok(if full { Given::Bytes } else { Given::End }));
            }
            came();
            let passed = self.look(read);
            buffer.set_filled(before + passed);
            if passed > 0 {
                return Poll::Ready(Ok(Given::Bytes));
            }
        }
    }

    /// How many of the bytes read just now stay in the reader's buffer; the others are held.
    fn look(&mut self, read: &[u8]) -> usize {
        if self.open {
            return read.len();
        }
        if !self.held.is_empty() {
            let mut all = std::mem::take(&mut self.held);
            all.extend_from_slice(read);
            self.hold(all);
            return 0;
        }
        let checked = self.checker.check(read);
        self.note(checked.outcome);
        match read.get(checked.passed..) {
            Some([]) | None => {}
            Some(rest) => self.held = BytesMut::from(rest),
        }
        checked.passed
    }

    /// Checks bytes that are not in the reader's buffer.
    fn hold(&mut self, all: BytesMut) {
        let checked = self.checker.check(&all);
        self.note(checked.outcome);
        self.held = all;
        self.passed = checked.passed;
    }

    fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Go => {}
            Outcome::Refuse(refusal) => self.refusal = Some(refusal),
            Outcome::Upgraded => self.open(),
        }
    }

    /// Gives what has passed, as far as there is room; whether that was anything.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let length = self.passed.min(buffer.remaining());
        if length == 0 {
            return false;
        }
        buffer.put_slice(self.held.get(..length).unwrap_or_default());
        self.held.advance(length);
        self.passed -= length;
        if self.held.is_empty() {
            // An idle connection keeps no memory.
            self.held = BytesMut::new();
        }
        true
    }
}

#[cfg(test)]
mod tests;
