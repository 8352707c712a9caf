//! Going up and down, one transaction a migration.

use std::{path::Path, time::Duration};

use super::{
    Applied, Ledger, MigrationError, Status,
    plan::{Placed, acceptable, is, known, statuses},
};
use crate::{Cause, Db, StoreError, Tx, sqlite};

const RECORD: &str = "
CREATE TABLE IF NOT EXISTS seawall_migrations (
    ledger TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (ledger, number)
);
";

const APPLIED: &str =
    "SELECT ledger, number, name, checksum, applied_at FROM seawall_migrations ORDER BY applied_at, number";

/// What one migration may take: an index on a large table takes its time.
const LONGEST: Duration = Duration::from_secs(60 * 60);

const CAUSE: Cause = Cause::system("migration");

/// How all migrations stand, those that the database alone knows included. Makes the record of migrations when it is missing.
///
/// # Errors
/// [`MigrationError::Store`].
pub async fn status(db: &Db, ledgers: &[&'static Ledger]) -> Result<Vec<Status>, MigrationError> {
    let applied = db.write(&CAUSE, applied).await?;
    Ok(statuses(ledgers, &applied))
}

/// How all migrations stand in a SQLite file that another process may have open; nothing when there is no database yet. Changes
/// nothing.
///
/// # Errors
/// [`MigrationError::Store`].
pub async fn peek(path: &Path, ledgers: &[&'static Ledger]) -> Result<Option<Vec<Status>>, MigrationError> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || sqlite::peek(&path, APPLIED)).await;
    let applied = read.map_err(|_| StoreError::Panicked("looking at the database".to_owned()))??;
    Ok(applied.map(|applied| statuses(ledgers, &applied)))
}

/// Applies all that is pending. `done` hears of each migration.
///
/// # Errors
/// [`MigrationError`]; what was applied before it stays.
pub async fn up(
    db: &Db,
    ledgers: &[&'static Ledger],
    mut done: impl FnMut(&Status) + Send,
) -> Result<(), MigrationError> {
    acceptable(&status(db, ledgers).await?)?;
    for placed in known(ledgers) {
        // Looked at again under the lock: another process may have come first.
        let applied_here = db
            .within(LONGEST)
            .write(&CAUSE, move |tx| apply(tx, placed))
            .await
            .map_err(|source| placed.failed(source))?;
        if let Some(status) = applied_here {
            done(&status);
        }
    }
    // A newer program may have come in between.
    acceptable(&status(db, ledgers).await?)
}

/// Goes back over the last migration of a crate.
///
/// # Errors
/// [`MigrationError::LosesData`] when rows would be lost and that is not `accepted`; [`MigrationError::NothingApplied`].
pub async fn down(
    db: &Db,
    ledgers: &[&'static Ledger],
    ledger: &str,
    accepted: DataLoss,
) -> Result<Status, MigrationError> {
    let all = status(db, ledgers).await?;
    acceptable(&all)?;
    let nothing = || MigrationError::NothingApplied(ledger.to_owned());
    let is_applied = |placed: &Placed| {
        all.iter()
            .any(|status| status.number == placed.number && status.ledger == placed.ledger.name && status.applied())
    };
    let last = known(ledgers).into_iter().rfind(|placed| placed.ledger.name == ledger && is_applied(placed));
    let placed = last.ok_or_else(nothing)?;
    let outcome = db.within(LONGEST).write(&CAUSE, move |tx| revert(tx, placed, accepted)).await;
    match outcome.map_err(|source| placed.failed(source))? {
        Reverted::Done => Ok(placed.status(super::State::Pending(placed.migration.overlap))),
        Reverted::Gone => Err(nothing()),
        Reverted::Loses(what) => Err(MigrationError::LosesData {
            ledger: ledger.to_owned(),
            number: placed.number,
            name: placed.migration.name.to_owned(),
            what,
        }),
    }
}

/// Whether rows may be lost on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// No.
    Refused,
    /// Yes.
    Accepted,
}

/// What came of a way back.
enum Reverted {
    Done,
    /// Another process came first.
    Gone,
    Loses(String),
}

fn applied(tx: &mut Tx<'_>) -> Result<Vec<Applied>, StoreError> {
    tx.lock_migrations()?;
    let record = tx.dialect().translate(RECORD);
    tx.script("record of migrations", &record)?;
    tx.all(APPLIED, &[])
}

fn apply(tx: &mut Tx<'_>, placed: Placed) -> Result<Option<Status>, StoreError> {
    if applied(tx)?.iter().any(|row| is(row, &placed)) {
        return Ok(None);
    }
    let script = tx.dialect().translate(placed.migration.up);
    tx.script(placed.migration.name, &script)?;
    let at_us = tx.at_us();
    tx.execute(
        "INSERT INTO seawall_migrations (ledger, number, name, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
        &[&placed.ledger.name, &placed.number, &placed.migration.name, &placed.migration.checksum(), &at_us],
    )?;
    Ok(Some(placed.status(super::State::Applied(at_us))))
}

fn revert(tx: &mut Tx<'_>, placed: Placed, accepted: DataLoss) -> Result<Reverted, StoreError> {
    if !applied(tx)?.iter().any(|row| is(row, &placed)) {
        return Ok(Reverted::Gone);
    }
    if accepted == DataLoss::Refused
        && let Some(what) = lost(tx, placed)?
    {
        return Ok(Reverted::Loses(what));
    }
    let script = tx.dialect().translate(placed.migration.down);
    tx.script(placed.migration.name, &script)?;
    tx.execute(
        "DELETE FROM seawall_migrations WHERE ledger = $1 AND number = $2",
        &[&placed.ledger.name, &placed.number],
    )?;
    Ok(Reverted::Done)
}

/// What the way back would lose, in words.
fn lost(tx: &mut Tx<'_>, placed: Placed) -> Result<Option<String>, StoreError> {
    for table in placed.migration.dropped_tables() {
        if tx.has_rows(table)? {
            return Ok(Some(format!("the rows of the table {table}")));
        }
    }
    Ok(placed.migration.drops_columns().then(|| "the values of columns".to_owned()))
}

impl Placed {
    fn status(self, state: super::State) -> Status {
        let Self { ledger, number, migration } = self;
        Status { ledger: ledger.name.to_owned(), number, name: migration.name.to_owned(), state }
    }

    fn failed(self, source: StoreError) -> MigrationError {
        let Self { ledger, number, migration } = self;
        MigrationError::Failed { ledger: ledger.name.to_owned(), number, name: migration.name.to_owned(), source }
    }
}

impl Status {
    fn applied(&self) -> bool {
        matches!(self.state, super::State::Applied(_))
    }
}
