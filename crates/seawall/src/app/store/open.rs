//! Opening the store, and bringing its tables up to this version.

use std::{sync::Arc, time::Duration};

use axum::Router;
use seawall_core::{clock::Clock, meter::Meter};
use seawall_store::{
    Cause, DatabaseUrl, Db, Migrate, Options, StoreError, Surroundings,
    audit::{Destination, Entry, SigningKey},
    cache::Caches,
    idempotency::{Attempts, Bounds},
    messages::Messages,
    migration::{self, State, Status},
    outbox::Delivery,
    relocation, retention,
};
use serde_json::{Map, json};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    StoreFault, StorePlace,
    backups::{self, Asked, Backups, Board, Keeper, Purpose},
    before, between,
    checkpoints::{self, Signing},
    rounds::Rounds,
    router,
    routes::Looked,
};
use crate::app::catalogue::LEDGERS;

/// How long the last changes may take to reach the place of the backups when the server ends.
const SHIP_LIMIT: Duration = Duration::from_secs(10);

/// How long the last messages may take to get on their way to other nodes when the server ends.
const TELL_LIMIT: Duration = Duration::from_secs(1);

/// How long is waited before a store that could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long they may take while a successor waits.
const SHIP_LIMIT_HANDING_OVER: Duration = Duration::from_secs(2);

/// The open store.
#[derive(Debug)]
pub(in crate::app) struct Store {
    db: Db,
    place: Arc<StorePlace>,
    key: Arc<SigningKey>,
    /// Where checkpoints go.
    destinations: Vec<Destination>,
    backups: Backups,
    keeper: Arc<Keeper>,
    caches: Caches,
    /// Messages of the outbox.
    rounds: Arc<Rounds>,
    attempts: Attempts,
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
        variables: &[(String, String)],
    ) -> Result<Self, StoreFault> {
        let backups = Backups::open(&place, variables, &clock, Purpose::Take, &meter).await?;
        tell_off(&place);
        place.clear_scratch();
        let db = open(&place, Arc::clone(&clock), Arc::clone(&meter)).await?;
        whole(&db, &place).await?;
        match place.store.migrate {
            Migrate::Start => migrate(&db, &place, &*clock).await?,
            Migrate::Manual => nothing_pending(&db, &place).await?,
        }
        let path = place.key_file.clone();
        let key = SigningKey::open(&path).map_err(|source| StoreFault::Key { path, source })?;
        let (key, place) = (Arc::new(key), Arc::new(place));
        let destinations = checkpoints::destinations(&place, key.id(), variables).await?;
        let (stop, stopping) = watch::channel(false);
        let mut duties = JoinSet::new();
        if let DatabaseUrl::Postgres(_) = place.url {
            duties.spawn(checkpoints::seal(db.clone(), stopping.clone()));
        }
        let messages = between::messages(&place, &*meter).map_err(|fault| *fault)?;
        let caches = Caches::new(messages, Arc::clone(&clock), Arc::clone(&meter));
        let keeper = Arc::new(Keeper::begin(backups.clone(), db.clone()));
        let rounds = Arc::new(Rounds::new(db.clone(), Arc::clone(&clock), Arc::clone(&meter)));
        duties.spawn(retention::run(db.clone(), rules(&place), Arc::clone(&meter), stopping.clone()));
        let signing = Signing {
            db: db.clone(),
            key: Arc::clone(&key),
            every: place.audit.checkpoint_every,
            destinations: destinations.clone(),
            clock: Arc::clone(&clock),
            meter,
        };
        let attempts = Attempts::open(&db, Bounds::default());
        let attempts = attempts.map_err(|source| StoreFault::Open { url: place.url.to_string(), source })?;
        let living = attempts.clone();
        let watched = stopping.clone();
        duties.spawn(async move { living.live(clock, watched).await });
        duties.spawn(checkpoints::sign(signing, stopping));
        let store = Self { db, place, key, destinations, backups, keeper, caches, rounds, attempts, duties, stop };
        store.tell_start().await;
        Ok(store)
    }

    /// The database.
    pub(in crate::app) const fn db(&self) -> &Db {
        &self.db
    }

    /// Hot rows in memory, and the messages by which nodes tell each other what has become of them.
    pub(in crate::app) const fn caches(&self) -> &Caches {
        &self.caches
    }

    /// What became of requests with an idempotency key.
    pub(in crate::app) fn attempts(&self) -> Attempts {
        self.attempts.clone()
    }

    /// Delivers messages of the outbox from here on.
    pub(in crate::app) fn deliver(&self, deliveries: Vec<Delivery>) {
        self.rounds.begin(deliveries);
    }

    /// Where it is.
    pub(in crate::app) fn place(&self) -> &StorePlace {
        &self.place
    }

    /// What operators may ask of it.
    pub(in crate::app) fn router(&self) -> Router {
        let asked = Asked { backups: self.backups.clone(), db: Some(self.db.clone()), board: Board::default() };
        let looked = Looked {
            db: self.db.clone(),
            key: Some(Arc::clone(&self.key)),
            place: Arc::clone(&self.place),
            destinations: self.destinations.clone().into(),
            messages: Some(self.caches.messages().clone()),
        };
        router(looked).merge(backups::router(asked))
    }

    /// What a successor is given.
    pub(in crate::app) fn lent(&self) -> Lent {
        Lent {
            db: self.db.clone(),
            keeper: Arc::clone(&self.keeper),
            rounds: Arc::clone(&self.rounds),
            attempts: self.attempts(),
            messages: self.caches().messages().clone(),
        }
    }

    /// Signs the last checkpoint, runs what waits, and gives the database back.
    pub(in crate::app) async fn close(&mut self) {
        self.rounds.rest().await;
        let kept = self.keeper.rest().await;
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
        if !self.caches().messages().flush(TELL_LIMIT).await {
            tracing::info!("other nodes may not have been told of the last changes; they forget in time");
        }
        // After a hand-over, the successor ships.
        if kept {
            self.keeper.ship(SHIP_LIMIT).await;
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

/// The store as it is given to a successor, and taken back.
#[derive(Clone, Debug)]
pub(in crate::app) struct Lent {
    db: Db,
    keeper: Arc<Keeper>,
    rounds: Arc<Rounds>,
    attempts: Attempts,
    messages: Messages,
}

impl Lent {
    /// What became of requests with an idempotency key, where that has to be settled before a successor can have the store: processes
    /// share PostgreSQL, and a file has one.
    pub(in crate::app) fn attempts(&self) -> Option<Attempts> {
        matches!(self.db.url(), DatabaseUrl::Sqlite(_)).then(|| self.attempts.clone())
    }

    /// Runs what waits, closes the database, and ships what was captured as far as the successor can wait for it. PostgreSQL stays open:
    /// requests in flight need it to their end.
    pub(in crate::app) async fn give(&self) -> Result<(), tokio::task::JoinError> {
        self.rounds.rest().await;
        self.keeper.rest().await;
        if let DatabaseUrl::Postgres(_) = self.db.url() {
            return Ok(());
        }
        let db = self.db.clone();
        tokio::task::spawn_blocking(move || db.close()).await?;
        self.keeper.ship(SHIP_LIMIT_HANDING_OVER).await;
        Ok(())
    }

    /// Opens it again; when that fails, it goes on trying.
    ///
    /// # Errors
    /// [`StoreFault::Open`].
    pub(in crate::app) async fn take_back(&self) -> Result<(), StoreFault> {
        let reopened = self.reopen().await;
        if reopened.is_err() {
            tokio::spawn(self.clone().reopen_some_time());
        }
        reopened
    }

    /// Goes on without the store until it can be had again: its database may be away for a moment.
    async fn reopen_some_time(self) {
        loop {
            sleep(AGAIN).await;
            match self.reopen().await {
                Ok(()) => return tracing::info!("the store is open again"),
                Err(error) => tracing::debug!(%error, "the store is still not to be had"),
            }
        }
    }

    async fn reopen(&self) -> Result<(), StoreFault> {
        let db = self.db.clone();
        let reopened = tokio::task::spawn_blocking(move || db.reopen()).await.map_err(|_| StoreFault::Died)?;
        reopened.map_err(|source| StoreFault::Open { url: self.db.url().to_string(), source })?;
        // The successor may have written meanwhile, and a file's messages stay within a process.
        self.messages.missed();
        self.keeper.resume();
        self.rounds.resume();
        Ok(())
    }
}

/// What is let go of, by all who keep something.
fn rules(place: &StorePlace) -> Vec<retention::Rule> {
    let always = retention::RULES.iter().chain(&seawall_identity::RULES).chain(&seawall_outbound::RULES);
    always.chain([&place.calls, &seawall_outbound::llm::ANSWERS]).copied().collect()
}

/// Says so when nothing is backed up.
fn tell_off(place: &StorePlace) {
    match (&place.backup.to, place.backup.entries.as_slice()) {
        (Some(_), _) => {}
        (None, []) => tracing::info!("backups are off; name a place as `to` in [backup]"),
        (None, entries) => tracing::warn!(
            entries = entries.len(),
            "backups are off although [backup] names what to back up; name a place as `to`"
        ),
    }
}

/// Opens the database of a place.
///
/// # Errors
/// [`StoreFault::Open`].
pub(crate) async fn open(place: &StorePlace, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Result<Db, StoreFault> {
    open_at(&place.url, &place.store.options, clock, meter).await
}

pub(super) async fn open_at(
    url: &DatabaseUrl,
    options: &Options,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
) -> Result<Db, StoreFault> {
    let (place, options) = (url.clone(), options.clone());
    // The file is read and a log that a crash left behind is brought in.
    let opened =
        tokio::task::spawn_blocking(move || Db::open(&place, &options, &Surroundings { clock, meter: &*meter }));
    let opened = opened.await.map_err(|_| StoreFault::Died)?;
    opened.map_err(|source| StoreFault::Open { url: url.to_string(), source })
}

async fn migrate(db: &Db, place: &StorePlace, clock: &dyn Clock) -> Result<(), StoreFault> {
    before::copy_if_pending(db, place, clock).await?;
    let statuses = migration::status(db, &LEDGERS).await.map_err(|source| place.migrate_fault(source))?;
    // How a new store came to be is no news to anybody.
    let new = statuses.iter().all(|status| matches!(status.state, State::Pending(_)));
    let mut made = 0_u32;
    let tell = |status: &Status| {
        if new {
            made += 1;
            return;
        }
        let (ledger, number, name) = (status.ledger.as_str(), status.number, status.name.as_str());
        tracing::info!(
            migration.ledger = ledger,
            migration.number = number,
            migration.name = name,
            "the store was migrated"
        );
    };
    migration::up(db, &LEDGERS, tell).await.map_err(|source| place.migrate_fault(source))?;
    if made > 0 {
        tracing::info!(store = %place.url, migrations = made, "the store was made");
    }
    Ok(())
}

/// Refuses a database into which another is being moved: what is written there now would stand in the way of the rest.
async fn whole(db: &Db, place: &StorePlace) -> Result<(), StoreFault> {
    let url = || place.url.to_string();
    match relocation::unfinished(db).await {
        Ok(None) => Ok(()),
        Ok(Some(origin)) => Err(StoreFault::Partial { url: url(), origin }),
        Err(source) => Err(StoreFault::Read { url: url(), source }),
    }
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
    pub(super) fn migrate_fault(&self, source: migration::MigrationError) -> StoreFault {
        StoreFault::Migrate { url: self.url.to_string(), source }
    }
}
