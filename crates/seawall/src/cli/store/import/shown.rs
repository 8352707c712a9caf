//! An import as people read it, and how far it is.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seawall_identity::import::{Progress, Reject};

use crate::cli::{CliError, paint::Paint};

/// Rows that are shown of those that were not taken; all of them are in the reject file and in the report.
pub(super) const SHOWN: usize = 20;

/// What became of the rows.
pub(super) fn summary(sum: &Progress, dry: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let would = if dry { "would be " } else { "" };
    writeln!(
        out,
        "{} rows: {} {would}added, {} {would}updated, {} there already, {} {would}rejected, {} without a password",
        sum.seen, sum.added, sum.updated, sum.skipped, sum.rejected, sum.without_password
    )?;
    if !sum.formats.is_empty() {
        writeln!(out, "{}", paint.bold("format                    cost       rows    wrapped  one verification"))?;
    }
    for count in &sum.formats {
        let ms = count.verify_us.div_ceil(1_000);
        writeln!(out, "{:<24}  {:>4}  {:>9}  {:>9}  {ms:>13} ms", count.format, count.cost, count.rows, count.wrapped)?;
    }
    Ok(())
}

/// One row that was not taken.
pub(super) fn reject(reject: &Reject, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let place: String = reject.place.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect();
    Ok(writeln!(out, "  {}: {}: {}", paint.bold(&place), reject.field, reject.reason.escape_debug())?)
}

/// A bar that goes when it is done; nothing is drawn where nobody looks.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(json: bool, total: u64) -> Self {
        let shown = !json && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        // A template of our own that does not parse leaves the plain one.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent}%, {eta} left") {
            bar.set_style(style);
        }
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    pub(super) fn show(&self, done: u64, rows: i64, this_run: u64) {
        let ms = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        self.0.set_message(format!("{rows} rows, {}/s", this_run.saturating_mul(1_000) / ms));
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
