//! What is kept of an issuer: its configuration and its keys. While they hold they are used at once, and read again beside when they are
//! no longer young; only who cannot go on without an answer waits for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seawall_core::{
    clock::Clock,
    fetch::{Ask, Fetch},
};
use serde::Deserialize;

use super::{
    IssuerSettings,
    config::fetchable,
    jwks::{self, Key},
};
use crate::IdentityError;

/// After which time configuration and keys are read again, and how soon they are for a key that is not among them.
const KEPT_US: u64 = 3_600 * 1_000_000;
const AGAIN_US: u64 = 60 * 1_000_000;

/// How long an issuer that could not be read is not asked again: whoever waited for it meanwhile is told at once.
const PAUSE_US: u64 = 5 * 1_000_000;

/// How long keys hold that could not be read again.
const HELD_US: u64 = 24 * 3_600 * 1_000_000;

/// The largest answer of an issuer.
pub(super) const MOST_BYTES: usize = 256 * 1024;

/// What is kept of one.
pub(super) struct Kept(Arc<Inner>);

struct Inner {
    name: String,
    issuer: String,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held while it is asked, so that it is asked by one, and those who have to wait do so for the same answer.
    asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    failed: Option<Failed>,
}

/// That it could not be read, and when.
struct Failed {
    why: String,
    at_us: u64,
}

#[derive(Clone)]
pub(super) struct Known {
    pub(super) metadata: Arc<Metadata>,
    pub(super) keys: Arc<[Key]>,
    at_us: u64,
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
}

impl Kept {
    pub(super) fn new(settings: &IssuerSettings, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            name: settings.name.clone(),
            issuer: settings.issuer.clone(),
            fetch,
            clock,
            state: Mutex::default(),
            asking: Arc::default(),
        }))
    }

    /// What is known of it.
    pub(super) async fn known(&self) -> Result<Known, IdentityError> {
        let Some(held) = self.0.younger_than(HELD_US) else { return self.0.waited_for(KEPT_US).await };
        if self.0.is_due()
            && let Ok(alone) = Arc::clone(&self.0.asking).try_lock_owned()
            // Another may have read it in between.
            && self.0.is_due()
        {
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                inner.ask().await;
                drop(alone);
            });
        }
        Ok(held)
    }

    /// The same for a key that is not among those that are known: read again, once a minute at most.
    pub(super) async fn anew(&self) -> Result<Known, IdentityError> {
        self.0.waited_for(AGAIN_US).await
    }
}

impl Inner {
    /// What is known, no older than so much when it can be read again.
    async fn waited_for(&self, oldest_us: u64) -> Result<Known, IdentityError> {
        let _alone = self.asking.lock().await;
        if let Some(known) = self.younger_than(oldest_us) {
            return Ok(known);
        }
        if !self.failed_lately() {
            self.ask().await;
        }
        let why = || self.state().failed.as_ref().map(|failed| failed.why.clone()).unwrap_or_default();
        self.younger_than(HELD_US).ok_or_else(|| IdentityError::IssuerAway(why()))
    }

    /// Asks it, and keeps what it says, or that it says nothing. Whoever calls this holds `asking`.
    async fn ask(&self) {
        let begun_us = self.now_us();
        match self.read(begun_us).await {
            Ok(known) => *self.state() = State { known: Some(known), failed: None },
            Err(error) => {
                tracing::warn!(issuer = self.name, %error, "the keys of an issuer could not be read");
                let why = match error {
                    IdentityError::IssuerAway(why) => why,
                    other => other.to_string(),
                };
                let at_us = self.now_us();
                self.state().failed = Some(Failed { why, at_us });
            }
        }
    }

    fn younger_than(&self, than_us: u64) -> Option<Known> {
        let now_us = self.now_us();
        self.state().known.clone().filter(|known| now_us.saturating_sub(known.at_us) < than_us)
    }

    fn failed_lately(&self) -> bool {
        let now_us = self.now_us();
        self.state().failed.as_ref().is_some_and(|failed| now_us.saturating_sub(failed.at_us) < PAUSE_US)
    }

    fn is_due(&self) -> bool {
        self.younger_than(KEPT_US).is_none() && !self.failed_lately()
    }

    fn now_us(&self) -> u64 {
        self.clock.now().monotonic_us
    }

    /// Never held while something is waited for.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, at_us: u64) -> Result<Known, IdentityError> {
        let away = |why: &str| IdentityError::IssuerAway(why.to_owned());
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata =
            serde_json::from_slice(&self.get(place).await?).map_err(|_| away("its configuration cannot be read"))?;
        if metadata.issuer != self.issuer {
            return Err(away("its configuration is another issuer's"));
        }
        let addresses = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        if !addresses.iter().all(|address| fetchable(address)) {
            return Err(away("its configuration names addresses that are not https"));
        }
        let keys = jwks::read(&self.get(metadata.jwks_uri.clone()).await?);
        let keys = keys.ok_or_else(|| away("its keys cannot be read"))?;
        Ok(Known { metadata: Arc::new(metadata), keys: keys.into(), at_us })
    }

    async fn get(&self, url: String) -> Result<Vec<u8>, IdentityError> {
        let ask = Ask { url, form: None, authorization: None, most_bytes: MOST_BYTES };
        let fetched = self.fetch.fetch(ask).await.map_err(|fault| IdentityError::IssuerAway(fault.to_string()))?;
        match fetched.status {
            200 => Ok(fetched.body),
            status => Err(IdentityError::IssuerAway(format!("it answered {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
        time::Duration,
    };

    use seawall_core::{
        clock::Now,
        fetch::{FetchFault, Fetched},
        reply::BoxFuture,
    };
    use serde_json::json;
    use tokio::sync::Semaphore;

    use super::*;

    const ISSUER: &str = "https://issuer.example";
    const HOUR_US: u64 = 3_600 * 1_000_000;

    #[derive(Debug, Default)]
    struct At(AtomicU64);

    impl Clock for At {
        fn now(&self) -> Now {
            let at_us = self.0.load(SeqCst);
            Now { monotonic_us: at_us, unix_us: at_us }
        }
    }

    /// An issuer that answers once it is let: its keys are called by how often its configuration was asked for.
    #[derive(Debug)]
    struct Slow {
        lets: Arc<Semaphore>,
        away: AtomicBool,
        asked: Arc<AtomicUsize>,
    }

    impl Fetch for Slow {
        fn fetch(&self, ask: Ask) -> BoxFuture<'static, Result<Fetched, FetchFault>> {
            let keys = ask.url.ends_with("/keys");
            let asked = self.asked.fetch_add(usize::from(!keys), SeqCst);
            let body = if keys {
                let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
                json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": format!("k{asked}"), "x": x }] })
            } else {
                json!({
                    "issuer": ISSUER,
                    "authorization_endpoint": format!("{ISSUER}/authorize"),
                    "token_endpoint": format!("{ISSUER}/token"),
                    "jwks_uri": format!("{ISSUER}/keys"),
                })
            };
            let (lets, status) = (Arc::clone(&self.lets), if self.away.load(SeqCst) { 502 } else { 200 });
            Box::pin(async move {
                lets.acquire().await.unwrap().forget();
                Ok(Fetched { status, body: body.to_string().into_bytes() })
            })
        }
    }

    struct Ground {
        kept: Kept,
        slow: Arc<Slow>,
        clock: Arc<At>,
    }

    impl Ground {
        fn new() -> Self {
            let (lets, asked) = (Arc::new(Semaphore::new(0)), Arc::default());
            let slow = Arc::new(Slow { lets, away: AtomicBool::new(false), asked });
            let clock = Arc::<At>::default();
            let settings = IssuerSettings {
                name: "one".to_owned(),
                issuer: ISSUER.to_owned(),
                client_id: "us".to_owned(),
                client_secret: None,
                scopes: Vec::new(),
                register: false,
                roles: Vec::new(),
            };
            Self { kept: Kept::new(&settings, Arc::clone(&slow) as _, Arc::clone(&clock) as _), slow, clock }
        }

        /// Lets it answer so many questions: two for configuration and keys.
        fn lets(&self, questions: usize) {
            self.slow.lets.add_permits(questions);
        }

        fn passes(&self, by_us: u64) {
            self.clock.0.fetch_add(by_us, SeqCst);
        }

        fn asked(&self) -> usize {
            self.slow.asked.load(SeqCst)
        }

        /// Which keys are known without waiting for anybody.
        async fn at_once(&self) -> String {
            let known = tokio::time::timeout(Duration::ZERO, self.kept.known()).await.expect("somebody waits");
            known.unwrap().keys[0].kid.clone()
        }

        /// Returns once nobody asks it.
        async fn quiet(&self) {
            // What was spawned runs as far as it can.
            tokio::task::yield_now().await;
            drop(self.kept.0.asking.lock().await);
        }
    }

    #[tokio::test]
    async fn an_issuer_that_hangs_holds_nobody_whose_key_is_known() {
        let ground = Ground::new();
        ground.lets(2);
        assert_eq!(ground.kept.known().await.unwrap().keys[0].kid, "k1");
        ground.passes(HOUR_US);
        // It is asked by one, and hangs.
        for _ in 0..3 {
            assert_eq!(ground.at_once().await, "k1");
            tokio::task::yield_now().await;
        }
        assert_eq!(ground.asked(), 2);
        // Only who shows a key that is not known waits, and has what was asked for already.
        let kept = Kept(Arc::clone(&ground.kept.0));
        let stranger = tokio::spawn(async move { kept.anew().await.unwrap().keys[0].kid.clone() });
        tokio::task::yield_now().await;
        assert!(!stranger.is_finished());
        assert_eq!(ground.at_once().await, "k1");
        ground.lets(2);
        assert_eq!((stranger.await.unwrap().as_str(), ground.asked()), ("k2", 2));
        assert_eq!(ground.at_once().await, "k2");
    }

    #[tokio::test]
    async fn keys_that_cannot_be_read_again_hold_for_a_day_and_are_asked_for_once_in_a_while() {
        let ground = Ground::new();
        ground.slow.away.store(true, SeqCst);
        ground.lets(100);
        for _ in 0..3 {
            assert!(matches!(ground.kept.known().await, Err(IdentityError::IssuerAway(_))));
        }
        assert_eq!(ground.asked(), 1, "who comes after is told what the first was");
        ground.slow.away.store(false, SeqCst);
        ground.passes(PAUSE_US);
        assert_eq!(ground.kept.known().await.unwrap().keys[0].kid, "k2");
        ground.slow.away.store(true, SeqCst);
        for hour in 0..23 {
            ground.passes(HOUR_US);
            for _ in 0..3 {
                assert_eq!(ground.at_once().await, "k2");
                ground.quiet().await;
            }
            assert_eq!(ground.asked(), 3 + hour, "within seconds it is asked once");
        }
        ground.passes(HOUR_US);
        assert!(matches!(ground.kept.known().await, Err(IdentityError::IssuerAway(_))));
    }
}
