//! The port to counters, over Redis.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Methods, Per, Quota, RateKey, RateStore, ScopedQuota, Standing},
    reply::{PortError, Reply},
    settings::Span,
};
use tokio::{sync::Semaphore, time};

use super::{
    RedisFault, RedisLink,
    link::{CONNECTING, Current},
    script::{Call, Script},
};

/// How counters are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatesOptions {
    /// How long an ask waits for its answer, unless its own deadline comes first.
    pub timeout: Duration,
    /// How many asks may wait at once.
    pub most_waiting: usize,
    /// Whose time decides.
    pub timekeeper: Timekeeper,
}

/// Whose time decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timekeeper {
    /// The server's, which is the same for all processes.
    Server,
    /// That of the ask: for tests, which move it.
    Ask,
}

impl Default for RatesOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_millis(50), most_waiting: 4_096, timekeeper: Timekeeper::Server }
    }
}

/// Counters in Redis. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct RedisRates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: RedisLink,
    script: Script,
    timeout: Duration,
    /// One for each ask that may wait.
    places: Arc<Semaphore>,
    /// Why the last ask that failed did.
    last_fault: Mutex<Option<RedisFault>>,
}

impl RedisRates {
    /// Counters at the end of this link. Until [`RedisRates::connect`] has succeeded they are unavailable.
    #[must_use]
    pub fn new(link: RedisLink, options: RatesOptions) -> Self {
        Self(Arc::new(Inner {
            link,
            script: Script::new(options.timekeeper),
            timeout: options.timeout,
            places: Arc::new(Semaphore::new(options.most_waiting)),
            last_fault: Mutex::new(None),
        }))
    }

    /// Opens a connection, counts on it once, and takes it in the place of what was there. Whatever asks need has then been seen to
    /// work: letting in, scripts, writing. What drives the connection runs on the runtime that this is called on.
    ///
    /// # Errors
    /// [`RedisFault`]; the connection that was there stays.
    pub async fn connect(&self) -> Result<(), RedisFault> {
        let connected = self.try_connect().await;
        if let Err(fault) = &connected {
            self.0.note(fault.clone());
        }
        connected
    }

    async fn try_connect(&self) -> Result<(), RedisFault> {
        let Inner { link, script, .. } = &*self.0;
        let mut connection = link.open().await?;
        let quotas = [probe()];
        let key = RateKey::address(ClientKey::of(std::net::Ipv6Addr::UNSPECIFIED.into()));
        let call = script.call(&Ask {
            keys: key.into(),
            quotas: &quotas,
            cost: 1,
            now: Now::default(),
            deadline_us: u64::MAX,
        });
        match time::timeout(CONNECTING, script.run(&call, &mut connection)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(link.fault(&error)),
            Err(_) => return Err(link.silent()),
        }
        link.take(connection);
        Ok(())
    }

    /// Whether there is a connection; it may have stopped answering.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.0.link.current().is_some()
    }

    /// Where they are, without what is secret.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.link.url().to_string()
    }

    /// How long an ask waits.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Why the last ask that failed did.
    #[must_use]
    pub fn last_fault(&self) -> Option<RedisFault> {
        self.0.last_fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    async fn ask(&self, call: &Call, current: Current, patience: Duration) -> Result<Vec<(u32, u64)>, PortError> {
        let Current { mut connection, number } = current;
        match time::timeout(patience, self.script.run(call, &mut connection)).await {
            Ok(Ok(answer)) => Ok(answer.looked),
            Ok(Err(error)) => {
                self.note(self.link.fault(&error));
                self.link.lost(number, &error);
                Err(PortError::Unavailable)
            }
            Err(_) => {
                let why = format!("no answer within {} ms", patience.as_millis());
                self.note(RedisFault::Unavailable { url: self.link.url().to_string(), why });
                Err(PortError::TimedOut)
            }
        }
    }

    fn note(&self, fault: RedisFault) {
        *self.last_fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

impl RateStore for RedisRates {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        let Some(current) = self.0.link.current() else { return Reply::Ready(Err(PortError::Unavailable)) };
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            return Reply::Ready(Err(PortError::Full));
        };
        let left = Duration::from_micros(ask.deadline_us.saturating_sub(ask.now.monotonic_us));
        let patience = self.0.timeout.min(left);
        let (inner, call, quotas, cost) =
            (Arc::clone(&self.0), self.0.script.call(ask), ask.quotas.to_vec(), ask.cost.max(1));
        Reply::Later(Box::pin(async move {
            let _place = place;
            inner.ask(&call, current, patience).await.map(|looked| Standing::of(&quotas, cost, looked))
        }))
    }
}

/// What connecting counts: something that always fits, so that it always writes, and soon expires.
fn probe() -> ScopedQuota {
    let quota = Quota { limit: u32::MAX, window: Span::from_ms(1_000), per: Per::Ip, methods: Methods::Any };
    ScopedQuota::named("probe", quota)
}
