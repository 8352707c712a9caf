//! What has to be done, decided from what is recorded and what the program knows.

use super::{Ledger, Migration, Overlap};
use crate::{FromRow, Row, StoreError};

/// A migration that is recorded as applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The crate.
    pub ledger: String,
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// The hash of both ways when it was applied.
    pub checksum: String,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: i64,
}

impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            ledger: row.get("ledger")?,
            number: row.get("number")?,
            name: row.get("name")?,
            checksum: row.get("checksum")?,
            at_us: row.get("applied_at")?,
        })
    }
}

/// How one migration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The crate.
    pub ledger: String,
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: State,
}

/// Where a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was applied, at this time in microseconds since 1970-01-01T00:00:00Z.
    Applied(i64),
    /// It is to be applied.
    Pending(Overlap),
    /// It was applied and has been changed since.
    Changed,
    /// It was applied by a newer program.
    Unknown,
}

/// Why nothing was migrated any further.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was made by a newer program.
    #[error(
        "the database has migration {ledger} {number} ({name}), which this program does not know: it is older than the one that made it; start that one, or go back with it first (`seawall migrate down`)"
    )]
    Newer {
        /// The crate.
        ledger: String,
        /// The first number that is not known.
        number: u32,
        /// Its name.
        name: String,
    },
    /// A migration was changed after it was applied.
    #[error(
        "migration {ledger} {number} ({name}) was changed after it was applied; a new migration has to make the change"
    )]
    Changed {
        /// The crate.
        ledger: String,
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
    },
    /// Going back would lose rows.
    #[error("going back over {ledger} {number} ({name}) loses {what}; say --accept-data-loss if that is meant")]
    LosesData {
        /// The crate.
        ledger: String,
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// What is lost.
        what: String,
    },
    /// There is nothing to go back over.
    #[error("no migration of {0} is applied")]
    NothingApplied(String),
    /// A migration failed; nothing of it is kept.
    #[error("migration {ledger} {number} ({name}) failed, and nothing of it was kept")]
    Failed {
        /// The crate.
        ledger: String,
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// Why.
        source: StoreError,
    },
    /// The database could not be used.
    #[error("the record of migrations could not be read or written")]
    Store(#[from] StoreError),
}

/// A migration with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) ledger: &'static Ledger,
    pub(super) number: u32,
    pub(super) migration: &'static Migration,
}

/// All known migrations, in order.
pub(super) fn known(ledgers: &[&'static Ledger]) -> Vec<Placed> {
    let of = |ledger: &&'static Ledger| {
        let ledger = *ledger;
        (1..).zip(ledger.migrations).map(move |(number, migration)| Placed { ledger, number, migration })
    };
    ledgers.iter().flat_map(of).collect()
}

/// How all migrations stand: the known ones in order, then those that only the database knows.
pub(super) fn statuses(ledgers: &[&'static Ledger], applied: &[Applied]) -> Vec<Status> {
    let known = known(ledgers);
    let find = |placed: &Placed| applied.iter().find(|row| is(row, placed));
    let own = known.iter().map(|placed| Status {
        ledger: placed.ledger.name.to_owned(),
        number: placed.number,
        name: placed.migration.name.to_owned(),
        state: match find(placed) {
            None => State::Pending(placed.migration.overlap),
            Some(row) if row.checksum == placed.migration.checksum() => State::Applied(row.at_us),
            Some(_) => State::Changed,
        },
    });
    let unknown = applied.iter().filter(|row| !known.iter().any(|placed| is(row, placed))).map(|row| Status {
        ledger: row.ledger.clone(),
        number: row.number,
        name: row.name.clone(),
        state: State::Unknown,
    });
    own.chain(unknown).collect()
}

/// Whether this program may work on the database as it stands, pending migrations aside.
pub(super) fn acceptable(statuses: &[Status]) -> Result<(), MigrationError> {
    for Status { ledger, number, name, state } in statuses {
        let (ledger, number, name) = (ledger.clone(), *number, name.clone());
        match state {
            State::Unknown => return Err(MigrationError::Newer { ledger, number, name }),
            State::Changed => return Err(MigrationError::Changed { ledger, number, name }),
            State::Applied(_) | State::Pending(_) => {}
        }
    }
    Ok(())
}

pub(super) fn is(applied: &Applied, placed: &Placed) -> bool {
    applied.ledger == placed.ledger.name && applied.number == placed.number
}
