//! `seawall db move`: everything from one database to another.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seawall_core::meter::NoMeter;
use seawall_store::{
    DatabaseUrl, Db, Options, Surroundings,
    relocation::{self, Progress, RelocationError},
};
use serde_json::json;

use super::super::{CliError, paint::Paint};
use crate::app::{AppError, SystemClock, catalogue::LEDGERS, store::StoreFault};

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Carry everything over to another database, and prove that both hold the same. Stop the server first. A move that was interrupted
    /// goes on where it was.
    Move(MoveOptions),
}

#[derive(Args)]
pub(crate) struct MoveOptions {
    /// The database to leave: sqlite://PATH or postgres://…, or @FILE with the URL in it, so that no list of processes shows a password.
    #[arg(value_name = "FROM")]
    from: String,
    /// The database to go to; it must be empty.
    #[arg(value_name = "TO")]
    to: String,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

// The URLs may hold passwords.
impl fmt::Debug for MoveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoveOptions").field("json", &self.json).finish_non_exhaustive()
    }
}

impl DbCommand {
    pub(super) async fn run(&self, directory: &Path, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let Self::Move(options) = self;
        let (from, to) = (url(&options.from, directory)?, url(&options.to, directory)?);
        if !from.exists() {
            return Err(CliError::Missing(format!("there is no database at {from}")));
        }
        let (source, target) = (open(&from).await?, open(&to).await?);
        let bar = Bar::new(!options.json && io::stderr().is_terminal());
        let outcome = relocation::relocate(&source, &target, &LEDGERS, |progress| bar.show(progress)).await;
        bar.end();
        let moved = outcome.map_err(|error| failed(&error))?;
        for table in &moved {
            if options.json {
                writeln!(out, "{}", json!({ "table": table.table, "rows": table.rows, "sha256": table.hash }))?;
            } else {
                writeln!(out, "{:<24} {:>12} rows  {}", table.table, table.rows, paint.good("equal"))?;
            }
        }
        if !options.json {
            writeln!(out, "moved to {to}; name it as `url` in [store] before the next start")?;
        }
        source.close();
        target.close();
        Ok(0)
    }
}

fn url(text: &str, directory: &Path) -> Result<DatabaseUrl, CliError> {
    let held = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(directory.join(file))?,
        None => text.to_owned(),
    };
    let read = DatabaseUrl::parse(held.trim()).map(|url| url.within(directory));
    read.map_err(|reason| CliError::Usage(format!("error: that is no database: {reason}\n")))
}

async fn open(url: &DatabaseUrl) -> Result<Db, CliError> {
    let wanted = url.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let surroundings = Surroundings { clock: Arc::new(SystemClock::new()), meter: &NoMeter };
        Db::open(&wanted, &Options::default(), &surroundings)
    });
    let opened = opened.await.map_err(|_| AppError::from(StoreFault::Died))?;
    opened.map_err(|source| AppError::from(StoreFault::Open { url: url.to_string(), source }).into())
}

fn failed(error: &RelocationError) -> CliError {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let help = match error {
        RelocationError::Store(_) | RelocationError::Migration(_) => {
            "run the same command again; it goes on where it was"
        }
        RelocationError::Behind(_) => "bring the source to this version first",
        RelocationError::Partial(_) => "finish the move to the source first",
        RelocationError::Occupied(_) | RelocationError::Elsewhere(_) => "name an empty database as the target",
        RelocationError::Differs { .. } => {
            "something wrote to the source meanwhile; stop it, empty the target, and move again"
        }
    };
    CliError::Missing(format!("the move did not come to its end: {text}\n  help: {help}"))
}

/// How far it is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        // A template of our own that does not parse leaves the plain one.
        if let Ok(style) = ProgressStyle::with_template("{msg:<28} {bar:30} {human_pos}/{human_len} rows, {eta} left") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    fn show(&self, progress: &Progress) {
        let what = if progress.comparing { "comparing" } else { "moving" };
        self.0.set_message(format!("{what} {}", progress.table));
        self.0.set_length(progress.of);
        self.0.set_position(progress.done);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
