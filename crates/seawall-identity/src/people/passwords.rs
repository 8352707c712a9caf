//! Hashing for users: threads that are started when the first password comes.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    clock::{Clock, Now},
    meter::Meter,
    settings::Secret,
};
use seawall_store::Db;
use tokio::sync::OnceCell;

use crate::{
    IdentityError, import,
    password::{Floor, Hasher, HashingPool, PasswordError, PoolError, PoolOptions, Stored, Verdict},
};

/// How long a password may wait for its turn.
const WITHIN: Duration = Duration::from_secs(5);

/// Hashes passwords, and makes failures take equally long.
#[derive(Debug)]
pub(super) struct Passwords {
    pool: OnceCell<HashingPool>,
    floor: Arc<Floor>,
    db: Db,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
}

impl Passwords {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { pool: OnceCell::new(), floor: Arc::default(), db, clock, meter }
    }

    async fn pool(&self) -> Result<&HashingPool, PoolError> {
        self.pool
            .get_or_try_init(|| async {
                let (floor, clock, meter) = (Arc::clone(&self.floor), Arc::clone(&self.clock), Arc::clone(&self.meter));
                let pool = HashingPool::start(Hasher::default(), floor, PoolOptions::default(), clock, meter)?;
                if let Err(error) = self.present_to(&pool).await {
                    tracing::warn!(%error, "the formats of imported passwords are not known; each is, from its first sign-in on");
                }
                Ok(pool)
            })
            .await
    }

    /// Says which formats imported users have, and measures each.
    pub(super) async fn present(&self) -> Result<(), IdentityError> {
        self.present_to(self.pool().await?).await
    }

    async fn present_to(&self, pool: &HashingPool) -> Result<(), IdentityError> {
        let examples = import::present(&self.db).await?;
        if examples.is_empty() {
            return Ok(());
        }
        Ok(pool.present(&examples, WITHIN).await?)
    }

    /// A hash to store.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, IdentityError> {
        Ok(self.pool().await?.hash(password.clone(), WITHIN).await?)
    }

    /// Whether it is the password of a hash; nobody's when there is none, which takes as long.
    pub(super) async fn verify(&self, hash: Option<&str>, password: &Secret) -> Result<Verdict, IdentityError> {
        let pool = self.pool().await?;
        let stored = hash.map(Stored::parse).transpose();
        let verified = match stored {
            Ok(Some(stored)) => pool.verify(Arc::new(stored), password.clone(), WITHIN).await,
            Ok(None) => pool.verify_nobody(password.clone(), WITHIN).await,
            Err(error) => return self.unreadable(pool, password, &error).await,
        };
        Ok(verified?)
    }

    /// A stored hash that cannot be used is nobody's password. The operator is told, and whoever tries finds no difference.
    async fn unreadable(
        &self,
        pool: &HashingPool,
        password: &Secret,
        error: &PasswordError,
    ) -> Result<Verdict, IdentityError> {
        tracing::error!(%error, "a user's stored password cannot be verified, so this user cannot sign in");
        Ok(pool.verify_nobody(password.clone(), WITHIN).await?)
    }

    /// Waits as long as every failure takes that began then.
    pub(super) async fn pad(&self, begun: Now) -> Result<(), IdentityError> {
        let random = getrandom::u64().map_err(IdentityError::Random)?;
        tokio::time::sleep(self.floor.padding(begun, self.clock.now(), random)).await;
        Ok(())
    }
}
