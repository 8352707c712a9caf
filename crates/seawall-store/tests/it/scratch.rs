//! A directory of a test's own, and a store in it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use seawall_core::{
    clock::{Clock, Now},
    meter::NoMeter,
};
use seawall_store::{DatabaseUrl, Db, LEDGER, Options, Surroundings, migration};

/// A directory that is removed when the test ends.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("seawall-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("seawall.db")
    }

    /// The store in it, with its tables.
    pub(crate) async fn store(&self) -> Db {
        let db = open(&self.database());
        migration::up(&db, &[&LEDGER], |_| {}).await.unwrap();
        db
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Opens a store without tables.
pub(crate) fn open(path: &Path) -> Db {
    let url = DatabaseUrl::Sqlite(path.to_owned());
    let surroundings = Surroundings { clock: clock(), meter: &NoMeter };
    Db::open(&url, &Options::default(), &surroundings).unwrap()
}

/// The time as it is.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock(start()))
}

#[derive(Debug)]
struct RealClock(Instant);

#[expect(clippy::disallowed_methods, reason = "what the engine does takes real time")]
impl Clock for RealClock {
    fn now(&self) -> Now {
        let us = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_us: us(self.0.elapsed()), unix_us: us(wall) }
    }
}

#[expect(clippy::disallowed_methods, reason = "what the engine does takes real time")]
fn start() -> Instant {
    Instant::now()
}
