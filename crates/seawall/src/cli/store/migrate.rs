//! `seawall migrate`: how the store's tables stand, and bringing them to this version or back.

use std::io::Write;

use clap::{Args, Subcommand};
use seawall_store::migration::{self, DataLoss, MigrationError, Status};
use serde_json::Value;

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::Access,
};
use crate::app::{
    AppError, SystemClock,
    catalogue::LEDGERS,
    store::{
        StoreFault, StorePlace,
        before::{self, Copied},
    },
};

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Which migrations are applied, and which are pending.
    Status(MigrateOptions),
    /// Apply all that are pending. `seawall run` does this when it starts, unless `migrate` in [store] is "manual".
    Up(MigrateOptions),
    /// Go back over the last migration of a part.
    Down(DownOptions),
}

#[derive(Debug, Args)]
pub(crate) struct MigrateOptions {
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DownOptions {
    /// The part whose last migration is gone back over, as `migrate status` names it.
    #[arg(value_name = "PART")]
    part: String,
    /// Go back even if rows or columns with values are lost.
    #[arg(long)]
    accept_data_loss: bool,
    #[command(flatten)]
    file: FileOption,
}

impl MigrateCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Status(options) | Self::Up(options) => &options.file,
            Self::Down(options) => &options.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        match self {
            Self::Status(options) => {
                let migrations = access.holder().await?.ask("/api/store/migrations").await?;
                if options.json {
                    writeln!(out, "{migrations}")?;
                } else {
                    out.write_all(table(&migrations, paint).as_bytes())?;
                }
                Ok(0)
            }
            Self::Up(options) => {
                let db = access.open_alone().await?;
                let copy =
                    before::copy_if_pending(&db, access.place(), &SystemClock::new()).await.map_err(AppError::from)?;
                tell_copy(&copy, options.json, out)?;
                let mut done = Vec::new();
                let applied = migration::up(&db, &LEDGERS, |status| done.push(status.clone())).await;
                // What was applied before a failure stays, and is told.
                for status in &done {
                    writeln!(out, "{}", if options.json { json(status) } else { line("applied", status) })?;
                }
                applied.map_err(|error| fault(error, access.place()))?;
                if done.is_empty() && !options.json {
                    writeln!(out, "nothing was pending")?;
                }
                db.close();
                Ok(0)
            }
            Self::Down(options) => {
                let db = access.open_alone().await?;
                let copy = before::copy(access.place(), &SystemClock::new()).await.map_err(AppError::from)?;
                let accepted = if options.accept_data_loss { DataLoss::Accepted } else { DataLoss::Refused };
                let status = match migration::down(&db, &LEDGERS, &options.part, accepted).await {
                    Ok(status) => status,
                    Err(error) => {
                        unneeded(&copy, &error);
                        return Err(fault(error, access.place()));
                    }
                };
                tell_copy(&copy, false, out)?;
                writeln!(out, "{}", line("went back over", &status))?;
                db.close();
                Ok(0)
            }
        }
    }
}

fn fault(error: MigrationError, place: &StorePlace) -> CliError {
    match error {
        MigrationError::LosesData { .. } | MigrationError::NothingApplied(_) => CliError::Missing(error.to_string()),
        source => CliError::App(AppError::from(StoreFault::Migrate { url: place.url.to_string(), source })),
    }
}

/// A copy before a way back that was refused is a copy of what is there.
fn unneeded(copied: &Copied, error: &MigrationError) {
    if let (Copied::To(copy), MigrationError::LosesData { .. } | MigrationError::NothingApplied(_)) = (copied, error) {
        // One that stays is one copy more.
        let _stays = std::fs::remove_file(copy);
    }
}

/// Where the state of before is, should it be wanted again.
fn tell_copy(copied: &Copied, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    match copied {
        Copied::To(copy) if json => writeln!(out, "{}", serde_json::json!({ "copied": copy.display().to_string() }))?,
        Copied::To(copy) => writeln!(out, "copied to {}", copy.display())?,
        Copied::Not(why) if json => {
            writeln!(out, "{}", serde_json::json!({ "copied": null, "reason": why }))?;
        }
        Copied::Not(why) => writeln!(out, "not copied before: {why}")?,
        Copied::Needless => {}
    }
    Ok(())
}

fn line(what: &str, status: &Status) -> String {
    format!("{what} {} {} ({})", status.ledger, status.number, status.name)
}

fn json(status: &Status) -> String {
    serde_json::json!({ "ledger": status.ledger, "number": status.number, "name": status.name }).to_string()
}

fn table(migrations: &Value, paint: Paint) -> String {
    let rows = migrations.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut out = String::new();
    for row in rows {
        let number = row.get("number").and_then(Value::as_u64).unwrap_or_default();
        let state = text(row, "state");
        let shown = if state == "applied" { paint.good(&state) } else { paint.bold(&state) };
        out.push_str(&format!(
            "{:<10} {number:>4}  {shown}  {}  {}\n",
            text(row, "ledger"),
            text(row, "name"),
            text(row, "at")
        ));
    }
    out
}
