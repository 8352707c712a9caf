//! The way of the application's output into the log: read as it comes, understood and written by a thread of its own.
//!
//! Between both is a queue of bounded length. When the log is slow, the application is held back for a second at most; then
//! lines are dropped, and the log says how many once it takes lines again.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use seawall_core::redact;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{mpsc, oneshot},
};
use tracing::Level;

use super::{
    entry::{Entry, Stream},
    lines::Lines,
};

/// Lines that may wait for the log.
const ROOM: usize = 1_024;

/// How long the application is held back by a slow log before lines are dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// Lines that are kept to be shown when the application fails.
const LAST_LINES: usize = 20;

/// The most characters of a kept line.
const LAST_LINE_LENGTH: usize = 500;

/// A line on its way.
#[derive(Debug)]
struct Said {
    line: String,
    stream: Stream,
    origin: Origin,
}

/// Which process said it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// What the process is: `application` or `before_start`.
    pub(super) process: &'static str,
    pub(super) pid: u32,
}

/// The way into the log; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    queue: mpsc::Sender<Said>,
    dropped: Arc<AtomicU64>,
}

/// Tells when all lines are written.
pub(super) type Written = oneshot::Receiver<()>;

impl Relay {
    /// Starts the thread that writes. It ends with the last clone.
    pub(super) fn start() -> io::Result<(Self, Written)> {
        let (queue, lines) = mpsc::channel(ROOM);
        let (alive, written) = oneshot::channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let relay = Self { queue, dropped: Arc::clone(&dropped) };
        let log = tracing::dispatcher::get_default(Clone::clone);
        let write = move || {
            tracing::dispatcher::with_default(&log, || write(lines, &dropped));
            // Nobody may wait for it any more.
            let _unheard = alive.send(());
        };
        thread::Builder::new().name("seawall-app-log".to_owned()).spawn(write)?;
        Ok((relay, written))
    }

    /// Reads an output to its end.
    pub(super) async fn listen(
        self,
        mut output: impl AsyncRead + Unpin,
        stream: Stream,
        origin: Origin,
        last: LastLines,
    ) {
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = output.read(&mut chunk).await.unwrap_or_default();
            let whole = match chunk.get(..read).filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => lines.feed(bytes),
                None => lines.rest().into_iter().collect(),
            };
            for line in whole {
                last.keep(&line);
                self.send(Said { line, stream, origin }).await;
            }
            if read == 0 {
                return;
            }
        }
    }

    /// Waits for room, but only as long as no line had to be dropped.
    async fn send(&self, said: Said) {
        let behind = self.dropped.load(Ordering::Relaxed) > 0;
        let sent = if behind {
            self.queue.try_send(said).is_ok()
        } else {
            self.queue.send_timeout(said, PATIENCE).await.is_ok()
        };
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(mut lines: mpsc::Receiver<Said>, dropped: &AtomicU64) {
    while let Some(said) = lines.blocking_recv() {
        said.log();
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(app.lines = lost, "lines of the application were dropped, because the log took too long");
        }
    }
}

impl Said {
    fn log(&self) {
        let Entry { level, message, request_id, trace_id, fields } = Entry::read(&self.line, self.stream);
        let Origin { process, pid } = self.origin;
        // A macro, because the level is a part of the place that an event is logged from.
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: "app",
                    $level,
                    app.process = process,
                    app.pid = pid,
                    app.stream = self.stream.word(),
                    request.id = request_id.as_deref(),
                    trace.id = trace_id.as_deref(),
                    app.fields = fields.as_deref(),
                    "{message}"
                )
            };
        }
        match level {
            Level::ERROR => event!(Level::ERROR),
            Level::WARN => event!(Level::WARN),
            Level::INFO => event!(Level::INFO),
            Level::DEBUG => event!(Level::DEBUG),
            Level::TRACE => event!(Level::TRACE),
        }
    }
}

/// The last lines that a process said, of both outputs, to show them when it fails.
#[derive(Clone, Debug, Default)]
pub(super) struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    /// Keeps a line as a terminal may show it: without control characters and secrets.
    fn keep(&self, line: &str) {
        let short: String = line.chars().take(LAST_LINE_LENGTH).collect();
        let plain = redact::text(&short).replace(char::is_control, " ");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LAST_LINES {
            kept.pop_front();
        }
        kept.push_back(plain);
    }

    /// The lines, the oldest first.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { process: "application", pid: 7 };

    #[test]
    fn the_last_lines_are_few_short_and_harmless() {
        let last = LastLines::default();
        for number in 0..30 {
            last.keep(&format!("\x1b[31mline {number} token=abc"));
        }
        last.keep(&"x".repeat(10_000));
        let kept = last.all();
        assert_eq!((kept.len(), kept[0].as_str()), (LAST_LINES, " [31mline 11 token=[redacted]"));
        assert_eq!(kept[LAST_LINES - 1].len(), LAST_LINE_LENGTH);
    }

    #[tokio::test]
    async fn a_log_that_takes_nothing_holds_the_application_back_for_a_moment_only() {
        let (queue, mut lines) = mpsc::channel(2);
        let relay = Relay { queue, dropped: Arc::default() };
        let text = "line\n".repeat(1_000);
        let listen = relay.clone().listen(text.as_bytes(), Stream::Out, ORIGIN, LastLines::default());
        tokio::time::timeout(10 * PATIENCE, listen).await.expect("it waits once, not for each line");
        assert_eq!(relay.dropped.load(Ordering::Relaxed), 998);
        assert!(lines.try_recv().is_ok() && lines.try_recv().is_ok() && lines.try_recv().is_err());
    }
}
