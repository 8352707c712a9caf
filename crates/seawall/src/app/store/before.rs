//! A copy of the store before its tables change.

use std::path::PathBuf;

use seawall_core::clock::Clock;
use seawall_store::{
    DatabaseUrl, Db, backup,
    migration::{self, State, Status},
};

use super::{StoreFault, StorePlace};
use crate::app::catalogue::LEDGERS;

/// What became of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// It is there.
    To(PathBuf),
    /// There was nothing to copy, or no reason to.
    Needless,
    /// PostgreSQL's tools made none, and this is why.
    Not(String),
}

/// Copies a store whose tables are about to change; answers the copy. Nothing is copied when nothing is pending, or when there is
/// nothing yet that could be lost.
///
/// # Errors
/// [`StoreFault::Copy`] when a file could not be copied, after which nothing may be migrated. For want of PostgreSQL's tools no
/// store in PostgreSQL is held back: that is said in the log.
pub(crate) async fn copy_if_pending(db: &Db, place: &StorePlace, clock: &dyn Clock) -> Result<Copied, StoreFault> {
    let statuses = migration::status(db, &LEDGERS).await.map_err(|source| place.migrate_fault(source))?;
    let any = |wanted: fn(&Status) -> bool| statuses.iter().any(wanted);
    if any(|status| matches!(status.state, State::Pending(_)))
        && any(|status| matches!(status.state, State::Applied(_)))
    {
        copy(place, clock).await
    } else {
        Ok(Copied::Needless)
    }
}

/// Copies the store; answers the copy.
///
/// # Errors
/// As for [`copy_if_pending`].
pub(crate) async fn copy(place: &StorePlace, clock: &dyn Clock) -> Result<Copied, StoreFault> {
    match (&place.url, &place.server) {
        (DatabaseUrl::Sqlite(path), _) => match backup::copy_before_migration(path, clock).await {
            Ok(copy) => {
                tracing::info!(copy = %copy.display(), "the store was copied before it is migrated");
                Ok(Copied::To(copy))
            }
            Err(source) => Err(StoreFault::Copy { url: place.url.to_string(), source }),
        },
        (DatabaseUrl::Postgres(_), Some(server)) => {
            match backup::dump_before_migration(server, &place.data, clock).await {
                Ok(dump) => {
                    tracing::info!(copy = %dump.display(), "the store was dumped before it is migrated");
                    Ok(Copied::To(dump))
                }
                Err(error) => {
                    tracing::warn!(
                        error = error.chain(),
                        "the store in PostgreSQL was not dumped before it is migrated; see that pg_dump is there and of the server's version"
                    );
                    Ok(Copied::Not(error.chain()))
                }
            }
        }
        (DatabaseUrl::Postgres(_), None) => Ok(Copied::Not("the URL is none that pg_dump takes".to_owned())),
    }
}
