//! Hashing for users: threads that are started when the first password comes.

use std::{sync::Arc, time::Duration};

use seawall_core::{clock::Clock, meter::Meter, settings::Secret};
use seawall_store::{Db, Lane, StoreError};
use tokio::sync::OnceCell;

use crate::{
    IdentityError, import,
    password::{Floor, Hasher, HashingPool, PasswordError, PoolError, PoolOptions, Stored, Verdict},
    users::table as users,
};

/// How long a password may wait for its turn.
const WITHIN: Duration = Duration::from_secs(5);

/// Hashes passwords, and makes failures take equally long.
#[derive(Debug)]
pub(super) struct Passwords {
    db: Db,
    pool: OnceCell<HashingPool>,
    measured: OnceCell<()>,
    floor: Arc<Floor>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
}

impl Passwords {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { db, pool: OnceCell::new(), measured: OnceCell::new(), floor: Arc::default(), clock, meter }
    }

    async fn pool(&self) -> Result<&HashingPool, PoolError> {
        self.pool
            .get_or_try_init(|| async {
                let (floor, clock, meter) = (Arc::clone(&self.floor), Arc::clone(&self.clock), Arc::clone(&self.meter));
                HashingPool::start(Hasher::default(), floor, PoolOptions::default(), clock, meter)
            })
            .await
    }

    /// The pool, once it knows which formats users have: from the first answer on, all take as long as the slowest.
    async fn measured(&self) -> Result<&HashingPool, IdentityError> {
        let pool = self.pool().await?;
        self.measured.get_or_try_init(|| self.present_to(pool)).await?;
        Ok(pool)
    }

    /// Says which formats users have, and measures each.
    pub(super) async fn present(&self) -> Result<(), IdentityError> {
        self.present_to(self.pool().await?).await
    }

    async fn present_to(&self, pool: &HashingPool) -> Result<(), IdentityError> {
        let kept = self.db.read::<_, StoreError>(Lane::Interactive, users::examples).await?;
        let readable = |(hash, count): &(String, i64)| {
            Some((Stored::parse(hash).ok()?, u64::try_from(*count).unwrap_or_default()))
        };
        let mut examples: Vec<_> = kept.iter().filter_map(readable).collect();
        // Those that an import brought, however many users there are.
        examples.extend(import::present(&self.db).await?);
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
        let pool = self.measured().await?;
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

    /// Waits as long as every failure takes, for which so much was computed already. Waiting for a turn is no computing: under load it is
    /// the longer part, and what is taken off for it would show how long the rest took.
    pub(super) async fn pad(&self, took: Duration) -> Result<(), IdentityError> {
        let random = getrandom::u64().map_err(IdentityError::Random)?;
        tokio::time::sleep(self.floor.padding(took, random)).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use seawall_core::{clock::Now, meter::NoMeter};
    use seawall_store::{Cause, DatabaseUrl, Options, Surroundings, Tx, migration};

    use super::*;
    use crate::{LEDGER, password::Format};

    const BCRYPT: &str = "$2b$04$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";

    /// A clock on which each look takes 400 ms, and so each verification.
    #[derive(Debug, Default)]
    struct Slow(AtomicU64);

    impl Clock for Slow {
        fn now(&self) -> Now {
            Now { monotonic_us: self.0.fetch_add(400_000, Ordering::SeqCst), unix_us: 1_800_000_000_000_000 }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn from_the_first_answer_on_unknown_names_take_the_format_and_the_time_that_users_have() {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Slow::default());
        let url = DatabaseUrl::Sqlite(directory.path().join("store.db"));
        // The store's own waits end by a clock that goes as usual.
        let surroundings = Surroundings { clock: Arc::new(Stopped), meter: &NoMeter };
        let db = Db::open(&url, &Options::default(), &surroundings).unwrap();
        migration::up(&db, &[&seawall_store::LEDGER, &LEDGER], |_| {}).await.unwrap();
        let fill = |tx: &mut Tx<'_>| {
            let sql =
                "INSERT INTO users (id, name, name_key, password_hash, created_at) VALUES ('u1', 'a', 'a', $1, 0)";
            tx.execute(sql, &[&BCRYPT])
        };
        db.write::<_, StoreError>(&Cause::system("test"), fill).await.unwrap();
        let passwords = Passwords::new(db, clock, Arc::new(NoMeter));
        assert!(passwords.floor.decoy().is_none());
        let verdict = passwords.verify(None, &Secret::from("guess".to_owned())).await.unwrap();
        assert!(!verdict.matches);
        assert_eq!(passwords.floor.decoy().unwrap().format(), Format::Bcrypt);
        let floor = passwords.floor.floor();
        assert!(floor >= Duration::from_millis(400), "{floor:?}");
        passwords.verify(Some(BCRYPT), &Secret::from("guess".to_owned())).await.unwrap();
        assert_eq!(passwords.floor.floor(), floor, "a user's own verification changes nothing");
    }

    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Now {
            Now { monotonic_us: 1, unix_us: 1_800_000_000_000_000 }
        }
    }
}
