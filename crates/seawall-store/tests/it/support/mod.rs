//! Stores to test with: each case runs on SQLite and on PostgreSQL.

pub(crate) mod gate;
pub(crate) mod nodes;
pub(crate) mod redis;
pub(crate) mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use seawall_core::{
    clock::{Clock, Now},
    meter::NoMeter,
};
use seawall_store::{Cause, DatabaseUrl, Db, LEDGER, Lane, OpenError, Options, StoreError, Surroundings, migration};
use tempfile::TempDir;

use self::server::Server;

/// What a case may take on one engine.
const LONGEST: Duration = Duration::from_secs(60);

/// Whoever writes in tests.
pub(crate) static CAUSE: Cause = Cause::system("test");

/// An open store and what it lies on.
pub(crate) struct Store {
    pub(crate) db: Db,
    pub(crate) url: DatabaseUrl,
    pub(crate) ground: Ground,
}

/// What a store lies on.
pub(crate) enum Ground {
    Sqlite { _directory: TempDir },
    Postgres(Server),
}

/// Runs a case on both engines.
pub(crate) async fn on_both(case: impl AsyncFn(&Store)) {
    on_both_with(&Options::default(), case).await;
}

/// Runs a case on both engines with these options.
pub(crate) async fn on_both_with(options: &Options, case: impl AsyncFn(&Store)) {
    for store in [Store::sqlite(options), Store::postgres(options)] {
        let name = store.name();
        tokio::time::timeout(LONGEST, case(&store)).await.unwrap_or_else(|_| panic!("the case hangs on {name}"));
    }
}

impl Store {
    pub(crate) fn sqlite(options: &Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("store.db"));
        Self { db: open(&url, options).unwrap(), url, ground: Ground::Sqlite { _directory: directory } }
    }

    pub(crate) fn postgres(options: &Options) -> Self {
        let server = Server::start();
        let url = DatabaseUrl::parse(&server.url()).unwrap();
        Self { db: open(&url, options).unwrap(), url, ground: Ground::Postgres(server) }
    }

    /// The store with its own tables.
    pub(crate) async fn with_tables(&self) -> Db {
        migration::up(&self.db, &[&LEDGER], |_| {}).await.unwrap();
        self.db.clone()
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self.ground {
            Ground::Sqlite { .. } => "SQLite",
            Ground::Postgres(_) => "PostgreSQL",
        }
    }

    /// Makes tables, in the words of both engines.
    pub(crate) async fn table(&self, sqlite: &'static str, postgres: &'static str) {
        let sql = match self.ground {
            Ground::Sqlite { .. } => sqlite,
            Ground::Postgres(_) => postgres,
        };
        self.db.write(&CAUSE, move |tx| tx.execute(sql, &[])).await.unwrap();
    }

    /// Makes the table `things`, which most cases use.
    pub(crate) async fn things(&self) {
        self.table(
            "CREATE TABLE things (id TEXT PRIMARY KEY NOT NULL, number INTEGER CHECK (number >= 0)) STRICT",
            "CREATE TABLE things (id TEXT COLLATE \"C\" PRIMARY KEY NOT NULL, number BIGINT CHECK (number >= 0))",
        )
        .await;
    }

    /// The ids in `things`, in order.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let rows: Result<Vec<(String,)>, StoreError> =
            self.db.read(Lane::Interactive, |tx| tx.all("SELECT id FROM things ORDER BY id", &[])).await;
        rows.unwrap().into_iter().map(|(id,)| id).collect()
    }

    /// Adds a row to `things`.
    pub(crate) async fn add(&self, id: &'static str, number: i64) -> Result<u64, StoreError> {
        self.db.write(&CAUSE, move |tx| tx.execute(INSERT, &[&id, &number])).await
    }

    /// Adds a row of its own to `things`.
    pub(crate) async fn add_fresh(&self) {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = format!("fresh {}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let added: Result<u64, StoreError> = self.db.write(&CAUSE, move |tx| tx.execute(INSERT, &[&id, &1_i64])).await;
        added.unwrap();
    }

    /// The number of a row of `things`.
    pub(crate) async fn number(&self, id: &'static str) -> Option<i64> {
        let found: Result<Option<(i64,)>, StoreError> =
            self.db.read(Lane::Interactive, move |tx| tx.find("SELECT number FROM things WHERE id = $1", &[&id])).await;
        found.unwrap().map(|(number,)| number)
    }

    /// PostgreSQL's server.
    pub(crate) fn server(&self) -> &Server {
        match &self.ground {
            Ground::Postgres(server) => server,
            Ground::Sqlite { .. } => panic!("SQLite has no server"),
        }
    }
}

/// Adds a row to `things`.
pub(crate) const INSERT: &str = "INSERT INTO things (id, number) VALUES ($1, $2)";

/// Opens a database.
pub(crate) fn open(url: &DatabaseUrl, options: &Options) -> Result<Db, OpenError> {
    let clock = Arc::new(RealClock::new());
    Db::open(url, options, &Surroundings { clock, meter: &NoMeter })
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}: ")).collect()
}

/// The machine's time.
#[derive(Debug)]
pub(crate) struct RealClock(Instant);

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "the store is tested with real time")]
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "the store is tested with real time")]
    fn now(&self) -> Now {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap();
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Now { monotonic_us: micros(self.0.elapsed()), unix_us: micros(unix) }
    }
}
