//! Opening the store, and bringing its tables up to this version.

use std::sync::Arc;

use axum::Router;
use seawall_core::{
    clock::Clock,
    meter::{Meter, NoMeter},
};
use seawall_store::{
    Cause, DatabaseUrl, Db, Migrate, StoreError, Surroundings,
    audit::{Entry, SigningKey},
    migration::{self, Overlap, State, Status},
    retention,
};
use serde_json::{Map, json};
use tokio::{sync::watch, task::JoinSet};

use super::{StoreFault, StorePlace, checkpoints, router};
use crate::app::catalogue::LEDGERS;

/// The open store.
#[derive(Debug)]
pub(in crate::app) struct Store {
    db: Db,
    place: Arc<StorePlace>,
    key: Arc<SigningKey>,
    /// What is done while it is open.
    duties: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Store {
    /// Opens the database, applies what is pending, and begins what is done while it is open.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub(in crate::app) async fn open(
        place: StorePlace,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
    ) -> Result<Self, StoreFault> {
        let db = open(&place, clock, Arc::clone(&meter)).await?;
        match place.store.migrate {
            Migrate::Start => migrate(&db, &place).await?,
            Migrate::Manual => nothing_pending(&db, &place).await?,
        }
        let path = place.key_file.clone();
        let key = SigningKey::open(&path).map_err(|source| StoreFault::Key { path, source })?;
        let (key, place) = (Arc::new(key), Arc::new(place));
        let (stop, stopping) = watch::channel(false);
        let mut duties = JoinSet::new();
        if let DatabaseUrl::Postgres(_) = place.url {
            duties.spawn(checkpoints::seal(db.clone(), stopping.clone()));
        }
        duties.spawn(retention::run(db.clone(), retention::RULES.to_vec(), meter, stopping.clone()));
        duties.spawn(checkpoints::sign(db.clone(), Arc::clone(&key), Arc::clone(&place), stopping));
        let store = Self { db, place, key, duties, stop };
        store.tell_start().await;
        Ok(store)
    }

    /// The database.
    pub(in crate::app) const fn db(&self) -> &Db {
        &self.db
    }

    /// What operators may ask of it.
    pub(in crate::app) fn router(&self) -> Router {
        router(self.db.clone(), Some(Arc::clone(&self.key)), Arc::clone(&self.place))
    }

    /// Signs the last checkpoint, runs what waits, and gives the database back.
    pub(in crate::app) async fn close(&mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.duties.join_next().await {
            if ended.is_err() {
                tracing::error!("a duty of the store ended by a fault of its own");
            }
        }
        let db = self.db.clone();
        // Blocks until the database has taken all.
        if tokio::task::spawn_blocking(move || db.close()).await.is_err() {
            tracing::error!("closing the store ended by a fault of its own");
        }
    }

    /// The first entry of this process in the audit log.
    async fn tell_start(&self) {
        let told: Result<(), StoreError> = self
            .db
            .write(&Cause::system("seawall"), |tx| {
                let after = Map::from_iter([
                    ("version".to_owned(), json!(crate::VERSION)),
                    ("process".to_owned(), json!(std::process::id())),
                ]);
                tx.audit(Entry::new("server.started", "server", "seawall").made(after))
            })
            .await;
        if let Err(error) = told {
            tracing::error!(%error, "the start could not be written to the audit log");
        }
    }
}

/// Opens the database of a place.
///
/// # Errors
/// [`StoreFault::Open`].
pub(crate) async fn open(place: &StorePlace, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Result<Db, StoreFault> {
    let (url, options) = (place.url.clone(), place.store.options.clone());
    // The file is read and a log that a crash left behind is brought in.
    let opened = tokio::task::spawn_blocking(move || Db::open(&url, &options, &Surroundings { clock, meter: &*meter }));
    let opened = opened.await.map_err(|_| StoreFault::Died)?;
    opened.map_err(|source| StoreFault::Open { url: place.url.to_string(), source })
}

/// Whether this process may take over from one that has the store open: not when a pending migration takes away what that one needs.
///
/// # Errors
/// [`StoreFault::Overlap`].
pub(in crate::app) async fn overlap(place: &StorePlace, clock: Arc<dyn Clock>) -> Result<(), StoreFault> {
    let statuses = match &place.url {
        DatabaseUrl::Sqlite(path) => migration::peek(path, &LEDGERS).await,
        DatabaseUrl::Postgres(_) => {
            migration::status(&open(place, clock, Arc::new(NoMeter)).await?, &LEDGERS).await.map(Some)
        }
    };
    let statuses = statuses.map_err(|source| place.migrate_fault(source))?;
    let contracts = |status: &&Status| status.state == State::Pending(Overlap::Contracts);
    match statuses.iter().flatten().find(contracts) {
        Some(status) => Err(StoreFault::Overlap(format!("{} {} ({})", status.ledger, status.number, status.name))),
        None => Ok(()),
    }
}

async fn migrate(db: &Db, place: &StorePlace) -> Result<(), StoreFault> {
    let tell = |status: &Status| {
        let (ledger, number, name) = (status.ledger.as_str(), status.number, status.name.as_str());
        tracing::info!(
            migration.ledger = ledger,
            migration.number = number,
            migration.name = name,
            "the store was migrated"
        );
    };
    migration::up(db, &LEDGERS, tell).await.map_err(|source| place.migrate_fault(source))
}

async fn nothing_pending(db: &Db, place: &StorePlace) -> Result<(), StoreFault> {
    let statuses = migration::status(db, &LEDGERS).await.map_err(|source| place.migrate_fault(source))?;
    migration::acceptable(&statuses).map_err(|source| place.migrate_fault(source))?;
    match statuses.iter().filter(|status| matches!(status.state, State::Pending(_))).count() {
        0 => Ok(()),
        pending => Err(StoreFault::Pending(pending)),
    }
}

impl StorePlace {
    fn migrate_fault(&self, source: migration::MigrationError) -> StoreFault {
        StoreFault::Migrate { url: self.url.to_string(), source }
    }
}
