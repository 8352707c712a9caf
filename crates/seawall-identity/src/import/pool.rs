//! Hashing for imports, on all cores: threads of their own, so that who signs in meanwhile does not wait behind a million others.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use futures_util::future::try_join_all;
use seawall_core::{clock::Clock, meter::Meter};
use tokio::sync::OnceCell;

use super::{prepared::Kept, row::MOST_ROWS};
use crate::password::{Floor, Format, Hasher, HashingPool, PasswordError, PoolError, PoolOptions, Stored};

/// How long a password of a batch may wait for its turn: a batch of the slowest takes less.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// After so long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(5);

/// What imports compute with, started when the first needs it.
#[derive(Debug)]
pub(crate) struct Imports {
    pool: OnceCell<HashingPool>,
    /// What a verification takes, by format and magnitude of cost. Bounded: there are so many formats, with few magnitudes each.
    measured: Mutex<BTreeMap<(Format, u32), u64>>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
}

impl Imports {
    pub(crate) fn new(clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { pool: OnceCell::new(), measured: Mutex::default(), clock, meter }
    }

    async fn pool(&self) -> Result<&HashingPool, PoolError> {
        self.pool
            .get_or_try_init(|| async {
                let threads = thread::available_parallelism().map_or(1, usize::from);
                let options = PoolOptions { threads, waiting: MOST_ROWS, idle: IDLE };
                let (clock, meter) = (Arc::clone(&self.clock), Arc::clone(&self.meter));
                HashingPool::start(Hasher::default(), Arc::<Floor>::default(), options, clock, meter)
            })
            .await
    }

    /// Puts plaintext and fast hashes beneath argon2id, all at once. Answers what cannot be, by its place.
    pub(super) async fn wrap(&self, passwords: Vec<&mut Kept>) -> Result<Vec<Option<PasswordError>>, PoolError> {
        let pool = self.pool().await?;
        let each = passwords.into_iter().map(async |kept| {
            if !kept.stored.fast() {
                return Ok(None);
            }
            match pool.wrap(Arc::clone(&kept.stored), WITHIN).await {
                Ok(Some(wrapped)) => (kept.text, kept.wrapped) = (wrapped, true),
                Ok(None) => {}
                Err(PoolError::Password(error)) => return Ok(Some(error)),
                Err(error) => return Err(error),
            }
            Ok(None)
        });
        try_join_all(each).await
    }

    /// What verifying takes, measured once for each format and cost.
    pub(super) async fn verification_us(&self, stored: &Stored) -> Result<u64, PoolError> {
        let kind = (stored.format(), stored.magnitude());
        let known = self.measured.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let pool = self.pool().await?;
        let begun = self.clock.now();
        pool.verify(Arc::new(stored.decoy()), "nobody's password".to_owned().into(), WITHIN).await?;
        let took_us = self.clock.now().since_us(begun);
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, took_us);
        Ok(took_us)
    }
}
