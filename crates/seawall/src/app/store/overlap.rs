//! Whether two processes, one before and one after a migration, go together on one store.

use std::sync::Arc;

use seawall_core::{clock::Clock, meter::NoMeter};
use seawall_store::{
    DatabaseUrl, Options,
    migration::{self, Ledger, Overlap, State, Status},
};

use super::{StoreFault, StorePlace, open::open_at};
use crate::app::catalogue::LEDGERS;

/// Whether this process may take over from one that has the store open: not when a pending migration takes away what that one needs.
///
/// # Errors
/// [`StoreFault::Overlap`].
pub(in crate::app) async fn overlap(place: &StorePlace, clock: Arc<dyn Clock>) -> Result<(), StoreFault> {
    judge(&place.url, &place.store.options, clock, &LEDGERS).await
}

async fn judge(
    url: &DatabaseUrl,
    options: &Options,
    clock: Arc<dyn Clock>,
    ledgers: &[&'static Ledger],
) -> Result<(), StoreFault> {
    let statuses = match url {
        // The process that serves has the file, so that it is only looked at.
        DatabaseUrl::Sqlite(path) => migration::peek(path, ledgers).await,
        DatabaseUrl::Postgres(_) => {
            let db = open_at(url, options, clock, Arc::new(NoMeter)).await?;
            migration::status(&db, ledgers).await.map(Some)
        }
    };
    let statuses = statuses.map_err(|source| StoreFault::Migrate { url: url.to_string(), source })?;
    let contracts = |status: &&Status| status.state == State::Pending(Overlap::Contracts);
    match statuses.iter().flatten().find(contracts) {
        Some(status) => Err(StoreFault::Overlap(format!("{} {} ({})", status.ledger, status.number, status.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use seawall_store::migration::Migration;

    use super::*;
    use crate::app::SystemClock;

    const SHOPS: Migration = Migration {
        name: "shops",
        overlap: Overlap::Expands,
        up: "CREATE TABLE shops (name TEXT, street TEXT)",
        down: "DROP TABLE shops",
    };
    const TOWN: Migration = Migration {
        name: "town",
        overlap: Overlap::Expands,
        up: "ALTER TABLE shops ADD COLUMN town TEXT",
        down: "ALTER TABLE shops DROP COLUMN town",
    };
    const NO_STREET: Migration = Migration {
        name: "no street",
        overlap: Overlap::Contracts,
        up: "ALTER TABLE shops DROP COLUMN street",
        down: "ALTER TABLE shops ADD COLUMN street TEXT",
    };
    static SERVES: Ledger = Ledger { name: "shop", migrations: &[SHOPS] };
    static EXPANDS: Ledger = Ledger { name: "shop", migrations: &[SHOPS, TOWN] };
    static CONTRACTS: Ledger = Ledger { name: "shop", migrations: &[SHOPS, TOWN, NO_STREET] };

    /// The store is open meanwhile, as in the process that serves.
    #[tokio::test]
    async fn a_successor_whose_migrations_take_something_away_does_not_overlap_until_they_are_applied() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("seawall.db"));
        let (options, clock) = (Options::default(), || Arc::new(SystemClock::default()) as Arc<dyn Clock>);
        let judged = |ledger: &'static Ledger| {
            let (url, options) = (url.clone(), options.clone());
            async move { judge(&url, &options, clock(), &[ledger]).await }
        };
        judged(&CONTRACTS).await.expect("there is no store yet that anybody could have open");
        let db = open_at(&url, &options, clock(), Arc::new(NoMeter)).await.unwrap();
        migration::up(&db, &[&SERVES], |_| ()).await.unwrap();
        judged(&SERVES).await.expect("nothing is pending");
        judged(&EXPANDS).await.expect("what only adds goes with the process that serves");
        let refused = judged(&CONTRACTS).await.unwrap_err();
        assert!(matches!(&refused, StoreFault::Overlap(which) if which == "shop 3 (no street)"), "{refused}");
        assert_eq!(refused.exit_code(), 69);
        assert!(refused.help().is_some_and(|help| help.contains("stop the running process")), "{refused}");
        migration::up(&db, &[&CONTRACTS], |_| ()).await.unwrap();
        judged(&CONTRACTS).await.expect("what is applied is not pending");
    }
}
