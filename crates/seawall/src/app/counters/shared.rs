//! Shared counters behind a circuit breaker.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    clock::Clock,
    limit::{Ask, RateStore, Standing},
    meter::Meter,
    reply::{PortError, Reply},
    resilience::{BreakerSettings, BreakerState, Change},
};
use seawall_resilience::{CircuitBreaker, Ticket};
use seawall_store::{
    StoreSettings,
    counters::{RatesOptions, RedisFault, RedisLink, RedisRates},
};
use tokio::{sync::Notify, task::AbortHandle};

use super::{keeper, meters::Meters};

/// Five failures in a row (checklist WK-5) open the breaker; one probe that did all that asks do closes it. Requests are never
/// probes, so the time does not decide when it is probed: the keeper does.
const BREAKER: BreakerSettings =
    BreakerSettings { failures: 5, successes: 1, open: Duration::from_secs(3_600), probes: 1, rates: None };

/// Counters in Redis, which answer in bounded time or not at all. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::app) struct SharedCounters {
    inner: Arc<Inner>,
    _keeper: Arc<Ends>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) rates: RedisRates,
    pub(super) breaker: CircuitBreaker,
    /// Told of every failure, so that the keeper looks whether there is something to do.
    pub(super) failed: Arc<Notify>,
    clock: Arc<dyn Clock>,
    meters: Meters,
}

/// Ends a task when the last handle goes.
#[derive(Debug)]
struct Ends(AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SharedCounters {
    /// Connects to the server that the configuration names, if it does. One that cannot be reached now is tried again and again;
    /// one that does not let us in is a mistake to be told at once.
    ///
    /// # Errors
    /// [`RedisFault::Refused`].
    pub(in crate::app) async fn connect(
        settings: &StoreSettings,
        clock: Arc<dyn Clock>,
        meter: &dyn Meter,
    ) -> Result<Option<Self>, RedisFault> {
        let Some(url) = settings.redis.clone() else { return Ok(None) };
        let options = RatesOptions { timeout: settings.redis_timeout, ..RatesOptions::default() };
        let rates = RedisRates::new(RedisLink::new(url)?, options);
        let failed = Arc::new(Notify::new());
        match rates.connect().await {
            Ok(()) => {}
            Err(fault @ RedisFault::Refused { .. }) => return Err(fault),
            Err(fault) => {
                tracing::warn!(error = %fault, "shared counters cannot be reached; it is tried again");
                failed.notify_one();
            }
        }
        let inner = Arc::new(Inner {
            breaker: breaker(rates.clone(), Arc::clone(&clock), Arc::clone(&failed), meter),
            rates,
            failed,
            clock,
            meters: Meters::new(meter),
        });
        let keeper = tokio::spawn(keeper::keep(Arc::clone(&inner))).abort_handle();
        Ok(Some(Self { inner, _keeper: Arc::new(Ends(keeper)) }))
    }

    /// Why they do not work at the moment; nothing when they do.
    pub(in crate::app) fn fault(&self) -> Option<String> {
        let inner = &self.inner;
        if inner.breaker.state() == BreakerState::Closed && inner.rates.connected() {
            return None;
        }
        let unknown = || format!("redis at {} cannot be used", inner.rates.url());
        Some(inner.rates.last_fault().map_or_else(unknown, |fault| fault.to_string()))
    }

    /// Where they are, without what is secret.
    pub(in crate::app) fn url(&self) -> String {
        self.inner.rates.url()
    }
}

/// The breaker, which tells when it opens and when it has closed.
fn breaker(rates: RedisRates, clock: Arc<dyn Clock>, failed: Arc<Notify>, meter: &dyn Meter) -> CircuitBreaker {
    let open = Meters::open(meter);
    CircuitBreaker::new(BREAKER, clock, move |change| match change {
        Change { from: BreakerState::Closed, .. } => {
            open.add(1);
            let error = rates.last_fault().map(|fault| fault.to_string());
            tracing::error!(
                error,
                "shared counters do not answer; `when_unavailable` in [rate_limit] decides until they do"
            );
            failed.notify_one();
        }
        Change { to: BreakerState::Closed, .. } => {
            open.add(-1);
            tracing::info!("shared counters answer again");
        }
        _ => {}
    })
}

impl Inner {
    /// A ticket of a closed breaker. In another state only the keeper asks.
    fn ticket(&self) -> Option<Ticket> {
        let closed = self.breaker.state() == BreakerState::Closed;
        closed.then(|| self.breaker.ticket().ok())?.filter(|ticket| !ticket.probe())
    }

    /// An ask has ended. `patient`: it would have waited as long as Redis may take.
    fn ended(&self, ticket: Ticket, reply: &Result<Standing, PortError>, patient: bool) {
        let Meters { answered, timed_out, unavailable, full, .. } = &self.meters;
        match reply {
            Ok(_) => {
                answered.increment();
                ticket.succeeded();
                return;
            }
            Err(PortError::TimedOut) => {
                timed_out.increment();
                // A request that is in a hurry says nothing about Redis.
                if patient {
                    ticket.failed();
                }
            }
            Err(PortError::Unavailable) => {
                unavailable.increment();
                ticket.failed();
            }
            // Those that wait will say what keeps Redis.
            Err(PortError::Full) => full.increment(),
        }
        self.failed.notify_one();
    }
}

impl RateStore for SharedCounters {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        let inner = &self.inner;
        let Some(ticket) = inner.ticket() else {
            inner.meters.held_back.increment();
            return Reply::Ready(Err(PortError::Unavailable));
        };
        let left = Duration::from_micros(ask.deadline_us.saturating_sub(ask.now.monotonic_us));
        let patient = left >= inner.rates.timeout();
        match inner.rates.take(ask) {
            Reply::Ready(reply) => {
                inner.ended(ticket, &reply, patient);
                Reply::Ready(reply)
            }
            Reply::Later(wait) => {
                let waiting = Waiting::begin(Arc::clone(inner), ticket);
                Reply::Later(Box::pin(async move {
                    let reply = wait.await;
                    waiting.ended(&reply, patient);
                    reply
                }))
            }
        }
    }
}

/// An ask that waits. Dropped before its end, it is counted as abandoned.
struct Waiting {
    inner: Arc<Inner>,
    begun_us: u64,
    ticket: Option<Ticket>,
}

impl Waiting {
    fn begin(inner: Arc<Inner>, ticket: Ticket) -> Self {
        Self { begun_us: inner.clock.monotonic_us(), inner, ticket: Some(ticket) }
    }

    fn ended(mut self, reply: &Result<Standing, PortError>, patient: bool) {
        self.inner.meters.duration.observe(self.inner.clock.monotonic_us().saturating_sub(self.begun_us));
        if let Some(ticket) = self.ticket.take() {
            self.inner.ended(ticket, reply, patient);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.inner.meters.abandoned.increment();
        }
    }
}
