//! A core's side of the request log: the buffer it formats into, and its way to the writer.

use std::{
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
};

use seawall_core::meter::Handle;

use super::{
    entry::{Entry, LONGEST_LINE},
    json, pretty,
};
use crate::{
    Style,
    line::{Head, Stamp},
    worker::Message,
};

/// A buffer goes to the writer when it holds this many bytes.
const FULL: usize = 64 * 1_024;

/// Room for one more line of any length, so that a buffer never grows.
pub(super) const CAPACITY: usize = FULL + LONGEST_LINE;

/// Empty buffers that wait to be used again, per core. More are only in flight while the sink is slow.
const SPARE: usize = 4;

/// Lines on their way to the writer.
pub(super) struct Full {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
    /// Where the emptied buffer goes back to.
    pub(super) home: SyncSender<Vec<u8>>,
}

/// What the cores and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) style: Style,
    pub(super) head: Head,
    pub(super) dropped: Handle,
    /// Lines dropped since the log last said so.
    pub(super) unreported: AtomicU64,
}

impl Shared {
    pub(super) fn lose(&self, lines: u64) {
        self.unreported.fetch_add(lines, Relaxed);
        self.dropped.observe(lines);
    }
}

/// The way to the writer, from which each core gets its [`RequestLog`].
#[derive(Clone)]
pub struct LogHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: SyncSender<Message<Full>>,
}

impl LogHandle {
    /// The request log of one core.
    #[must_use]
    pub fn request_log(&self) -> RequestLog {
        let (home, spare) = mpsc::sync_channel(SPARE);
        RequestLog {
            handle: self.clone(),
            buffer: Vec::with_capacity(CAPACITY),
            lines: 0,
            stamp: Stamp::new(),
            scratch: String::new(),
            home,
            spare,
        }
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogHandle")
    }
}

/// The request log of one core. What is not yet flushed when it is dropped is flushed then.
pub struct RequestLog {
    handle: LogHandle,
    buffer: Vec<u8>,
    lines: u64,
    stamp: Stamp,
    scratch: String,
    home: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
}

impl RequestLog {
    /// Formats one line. It goes to the writer when the buffer is full or at the next [`RequestLog::flush`]; for people,
    /// at once.
    pub fn record(&mut self, entry: &Entry<'_>) {
        let Self { handle, buffer, stamp, scratch, .. } = self;
        match handle.shared.style {
            Style::Json => json::write(buffer, &handle.shared.head, stamp, scratch, entry),
            style => pretty::write(buffer, style, stamp, scratch, entry),
        }
        self.lines += 1;
        if self.buffer.len() >= FULL || self.handle.shared.style != Style::Json {
            self.flush();
        }
    }

    /// Hands all lines to the writer, and never waits. When the writer has no room, they stay for the next time; once the
    /// buffer is full, they are dropped and counted.
    pub fn flush(&mut self) {
        if self.lines == 0 {
            return;
        }
        let empty = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(CAPACITY));
        let bytes = mem::replace(&mut self.buffer, empty);
        let full = Full { bytes, lines: mem::take(&mut self.lines), home: self.home.clone() };
        match self.handle.writer.try_send(Message::Work(full)) {
            Err(TrySendError::Full(Message::Work(kept))) if kept.bytes.len() < FULL => {
                self.lines = kept.lines;
                let empty = mem::replace(&mut self.buffer, kept.bytes);
                Full { bytes: empty, lines: 0, home: kept.home }.recycle();
            }
            Err(TrySendError::Full(Message::Work(lost)) | TrySendError::Disconnected(Message::Work(lost))) => {
                self.handle.shared.lose(lost.lines);
                lost.recycle();
            }
            _ => {}
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        self.flush();
        if self.lines > 0 {
            self.handle.shared.lose(self.lines);
        }
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLog").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl Full {
    /// Gives the buffer back to its core, unless that has enough or is gone.
    pub(super) fn recycle(mut self) {
        self.bytes.clear();
        let _ = self.home.try_send(self.bytes);
    }
}
