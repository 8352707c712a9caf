//! How far long work on backups is, on a terminal.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seawall_store::backup::{Phase, Progress, Step};

/// A bar that goes when it is done; nothing is drawn where nobody looks.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(json: bool) -> Self {
        let shown = !json && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        // A template of our own that does not parse leaves the plain one.
        if let Ok(style) = ProgressStyle::with_template("{msg:<12} {bar:30} {bytes}/{total_bytes}, {eta} left") {
            bar.set_style(style);
        }
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// Whoever does the work tells this.
    pub(super) fn progress(&self) -> Progress {
        let bar = self.0.clone();
        Progress::new(move |Step { phase, done_bytes, total_bytes }| {
            bar.set_message(match phase {
                Phase::Copy => "copying",
                Phase::Upload => "storing",
                Phase::Download => "fetching",
                Phase::Replay => "replaying",
                Phase::Check => "checking",
            });
            bar.set_length(total_bytes.max(done_bytes));
            bar.set_position(done_bytes);
        })
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
