//! The signing keys of an installation: read into memory, made on first use, and replaced before their time is over.

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use seawall_store::{
    Cause, Db, Lane, StoreError, Tx,
    audit::Entry,
    messages::{Messages, Subscription},
};
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Mutex, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    key::Key,
    keys::{AHEAD_US, Keys},
    secrets::TokenSecrets,
    table::{self, KeyShown, MOST, Row},
};
use crate::IdentityError;

/// What nodes tell each other by.
const TOPIC: &str = "signing_keys";

/// How often keys are read again when nobody tells anything, and after a failure.
const EACH: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(1);

/// How often they are read at most because tokens name keys that nobody knows.
const AT_MOST_EACH_US: u64 = 1_000_000;

/// How long keys are kept once they are no longer published.
const KEPT_US: i64 = 24 * 3_600 * 1_000_000;

/// How another key takes the place of the one that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It is published before it signs, and the old one for as long as its tokens hold.
    Published,
    /// It signs at once and all others are removed: whatever they signed is refused from then on.
    AtOnce,
}

/// The keys. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    tending: AbortHandle,
}

struct Shared {
    db: Db,
    secrets: TokenSecrets,
    clock: Arc<dyn Clock>,
    messages: Messages,
    known: watch::Sender<Option<Arc<Keys>>>,
    /// When they were last read because a token asked for it; held while they are.
    asked: Mutex<Option<u64>>,
    /// Held while a key is made.
    making: Mutex<()>,
}

impl KeyRing {
    /// Keys of this store, tended on the runtime that this is called on.
    pub(crate) fn new(db: Db, secrets: TokenSecrets, clock: Arc<dyn Clock>, messages: Messages) -> Self {
        let heard = messages.subscribe(TOPIC);
        let (known, _) = watch::channel(None);
        let shared = Shared { db, secrets, clock, messages, known, asked: Mutex::default(), making: Mutex::default() };
        let shared = Arc::new(shared);
        let tending = tokio::spawn(tend(Arc::clone(&shared), heard)).abort_handle();
        Self(Arc::new(Inner { shared, tending }))
    }

    /// What is known in memory.
    pub(crate) fn known(&self) -> Option<Arc<Keys>> {
        self.0.shared.known.borrow().clone()
    }

    /// Reads them unless somebody has a moment ago.
    pub(crate) async fn read_again(&self) -> Result<Arc<Keys>, StoreError> {
        let shared = &self.0.shared;
        let mut asked = shared.asked.lock().await;
        let now = shared.clock.monotonic_us();
        if let Some(known) = self.known()
            && asked.is_some_and(|asked| now < asked.saturating_add(AT_MOST_EACH_US))
        {
            return Ok(known);
        }
        let read = shared.read().await?;
        *asked = Some(now);
        Ok(read)
    }

    /// The key that signs; made when there is none.
    pub(crate) async fn signer(&self) -> Result<Arc<Key>, IdentityError> {
        let shared = &self.0.shared;
        let signer = |keys: &Keys| keys.signer(shared.now_us()).cloned();
        if let Some(signer) = self.known().as_deref().and_then(signer) {
            return Ok(signer);
        }
        let _making = shared.making.lock().await;
        if let Some(signer) = signer(&*shared.read().await?) {
            return Ok(signer);
        }
        shared.add(&Cause::system("identity"), Added::First).await?;
        signer(&*shared.read().await?).ok_or(IdentityError::Cipher)
    }

    /// Makes another key.
    ///
    /// # Errors
    /// [`IdentityError::TooManyKeys`], [`IdentityError::Store`].
    pub async fn rotate(&self, cause: &Cause, rotation: Rotation) -> Result<Vec<KeyShown>, IdentityError> {
        let _making = self.0.shared.making.lock().await;
        self.0.shared.add(cause, Added::Asked(rotation)).await?;
        self.list().await
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list(&self) -> Result<Vec<KeyShown>, IdentityError> {
        let shared = &self.0.shared;
        let rows = shared.rows().await?;
        let keys = shared.opened(&rows);
        let signer = keys.signer(shared.now_us()).map(|key| Arc::clone(&key.kid));
        let shown = |row: &Row| {
            let key = keys.all().find(|key| *key.kid == *row.kid);
            KeyShown {
                kid: row.kid.clone(),
                created_at: row.created_at,
                signs_at: row.signs_at,
                ends_at: key.map(|key| keys.ends_at(key)),
                signs: signer.as_deref() == Some(&*row.kid),
            }
        };
        Ok(rows.iter().map(shown).collect())
    }

    /// What others verify tokens with.
    ///
    /// # Errors
    /// [`StoreError`] when they were never read and cannot be.
    pub(crate) async fn published(&self) -> Result<Value, StoreError> {
        let keys = match self.known() {
            Some(keys) => keys,
            None => self.read_again().await?,
        };
        Ok(keys.published(self.0.shared.now_us()))
    }
}

/// Why a key is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Added {
    /// There is none.
    First,
    /// The one that signs is old.
    Due,
    /// Somebody wants it.
    Asked(Rotation),
}

impl Shared {
    fn now_us(&self) -> i64 {
        i64::try_from(self.clock.now().unix_us).unwrap_or(i64::MAX)
    }

    async fn rows(&self) -> Result<Vec<Row>, StoreError> {
        self.db.read::<_, StoreError>(Lane::Interactive, table::all).await
    }

    fn opened(&self, rows: &[Row]) -> Keys {
        opened(rows, &self.secrets)
    }

    async fn read(&self) -> Result<Arc<Keys>, StoreError> {
        let keys = Arc::new(self.opened(&self.rows().await?));
        self.known.send_replace(Some(Arc::clone(&keys)));
        Ok(keys)
    }

    /// Makes a key, unless another node has made the one that was wanted.
    async fn add(&self, cause: &Cause, why: Added) -> Result<(), IdentityError> {
        let now = self.now_us();
        let signs_at = if matches!(why, Added::First | Added::Asked(Rotation::AtOnce)) { now } else { now + AHEAD_US };
        let fresh = Key::make(&self.secrets, now, signs_at)?;
        let (secrets, messages) = (self.secrets.clone(), self.messages.clone());
        let added = self.db.write::<_, StoreError>(cause, move |tx| {
            let rows = table::all(tx)?;
            let keys = opened(&rows, &secrets);
            let wanted = match why {
                Added::First => keys.signer(now).is_none(),
                Added::Due => keys.due(now),
                Added::Asked(_) => true,
            };
            if !wanted {
                return Ok(true);
            }
            for key in keys.all() {
                if why == Added::Asked(Rotation::AtOnce) || now >= keys.ends_at(key).saturating_add(KEPT_US) {
                    remove(tx, &key.kid)?;
                }
            }
            if why != Added::Asked(Rotation::AtOnce) && rows.len() >= MOST {
                return Ok(false);
            }
            table::add(tx, &fresh)?;
            let after = Map::from_iter([("signs_at".to_owned(), json!(fresh.signs_at))]);
            tx.audit(Entry::new("signing_key.added", "signing_key", &*fresh.kid).made(after))?;
            let messages = messages.clone();
            tx.on_commit(move || messages.publish(TOPIC, "changed"));
            Ok(true)
        });
        if !added.await? {
            return Err(IdentityError::TooManyKeys(MOST));
        }
        self.read().await?;
        Ok(())
    }
}

fn remove(tx: &mut Tx<'_>, kid: &str) -> Result<(), StoreError> {
    table::remove(tx, kid)?;
    tx.audit(Entry::new("signing_key.removed", "signing_key", kid))
}

fn opened(rows: &[Row], secrets: &TokenSecrets) -> Keys {
    Keys::new(secrets.tag().to_owned(), rows.iter().map(|row| Arc::new(Key::open(row, secrets))).collect())
}

/// Keeps what is in memory as the store has it, and makes the next key in time.
async fn tend(shared: Arc<Shared>, mut heard: Subscription) {
    loop {
        let read = match shared.read().await {
            Ok(keys) => Ok(keys),
            Err(StoreError::Closed) => return,
            Err(error) => Err(error),
        };
        let wait = match read {
            Ok(keys) => {
                // Without any, nobody has needed one so far.
                if keys.all().any(Key::opened)
                    && keys.due(shared.now_us())
                    && let Err(error) = shared.add(&Cause::system("identity"), Added::Due).await
                {
                    tracing::warn!(%error, "the next signing key could not be made; it is tried again");
                }
                EACH
            }
            Err(error) => {
                tracing::warn!(%error, "signing keys could not be read; it is tried again");
                sleep(AGAIN).await;
                continue;
            }
        };
        // Whatever was heard, or nothing for a while.
        let _heard = timeout(wait, heard.next()).await;
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tending.abort();
    }
}
