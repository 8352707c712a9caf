//! What this process logs, at every level that an operator can choose without meaning to look for faults.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use seawall::app::SystemClock;
use seawall_telemetry::{LogLevel, Output, Sink, Style, log};

static KEPT: OnceLock<Kept> = OnceLock::new();

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps from here on what is logged; tests that share a process share it.
pub(super) fn keep() {
    KEPT.get_or_init(|| {
        let kept = Kept::default();
        let (sink, clock) = (Sink::new(Box::new(kept.clone())), Arc::new(SystemClock::new()));
        let output = Output { sink, style: Style::Json, service: "test".into(), clock };
        let subscriber = log::subscriber(output, &LogLevel::parse("info,seawall=debug").unwrap());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        kept
    });
}

/// All of it so far.
pub(super) fn text() -> String {
    let kept = KEPT.get().map(|kept| kept.0.lock().unwrap().clone()).unwrap_or_default();
    String::from_utf8_lossy(&kept).into_owned()
}
