//! The one thread that writes the request log.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_core::meter::{Meter, Metric, MetricKind};
use tracing::Level;

use super::handle::{Full, LogHandle, Shared};
use crate::{
    Output, Style, TelemetryError,
    line::{Head, Stamp, number, number_field},
    worker::{Inbox, Worker},
};

/// Lines of the request log that were not written.
pub const LINES_DROPPED: Metric = Metric {
    name: "seawall_log_lines_dropped",
    help: "Lines of the request log that were dropped because the log's sink was too slow or failed.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// Buffers that wait for the writer, over all cores: with 64 KiB each, 4 MiB of lines.
pub(super) const WAITING: usize = 64;

/// The writer of the request log; its owner ends it with [`LogWriter::finish`].
pub struct LogWriter(Worker<Full>);

impl LogWriter {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// [`TelemetryError::Thread`] when the system gives no thread.
    pub fn start(output: Output, meter: &dyn Meter) -> Result<(Self, LogHandle), TelemetryError> {
        let shared = Arc::new(Shared {
            style: output.style,
            head: Head::new(&output.service),
            dropped: meter.series(&LINES_DROPPED, &[]),
            unreported: AtomicU64::new(0),
        });
        let for_thread = Arc::clone(&shared);
        let worker = Worker::start("seawall-log", WAITING, move |inbox| run(&inbox, &output, &for_thread))?;
        let handle = LogHandle { shared, writer: worker.sender() };
        Ok((Self(worker), handle))
    }

    /// Writes what the cores have flushed, and ends the thread. What they flush later is dropped and counted.
    ///
    /// # Errors
    /// [`TelemetryError::Unfinished`] when the sink takes longer than `limit`.
    pub fn finish(self, limit: Duration) -> Result<(), TelemetryError> {
        self.0.finish(limit)
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogWriter")
    }
}

/// Writes buffer after buffer. A failing sink costs one attempt per buffer: the channel is what paces it.
fn run(inbox: &Inbox<Full>, output: &Output, shared: &Shared) {
    while let Some(full) = inbox.next() {
        if output.sink.write(&full.bytes).is_ok() {
            report_dropped(output, shared);
        } else {
            shared.lose(full.lines);
        }
        full.recycle();
    }
}

/// Says how many lines are missing, once writing works again.
fn report_dropped(output: &Output, shared: &Shared) {
    let lines = shared.unreported.swap(0, Relaxed);
    if lines == 0 {
        return;
    }
    let unix_us = output.clock.now().unix_us;
    let mut line = Vec::new();
    match shared.style {
        Style::Json => {
            shared.head.write(&mut line, &mut Stamp::new(), unix_us, Level::WARN, DROPPED.as_bytes());
            number_field(&mut line, "lines", lines);
            line.extend_from_slice(b"}\n");
        }
        Style::Pretty | Style::Coloured => {
            Stamp::new().write_time_of_day(&mut line, unix_us);
            line.extend_from_slice(format!(" WARN  {DROPPED} lines=").as_bytes());
            number(&mut line, lines);
            line.push(b'\n');
        }
    }
    if output.sink.write(&line).is_err() {
        shared.unreported.fetch_add(lines, Relaxed);
    }
}

const DROPPED: &str = "request log lines dropped";
