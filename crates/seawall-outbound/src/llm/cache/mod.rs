//! Answers that are kept and given again, and calls for the same that are made once.
//!
//! ```text
//! call ─► key ─► memory ─► the same call under way ─► database ─► provider
//!          │                        │                                │
//!          └ none: made as ever     └ waits for its whole answer     └ passed on as it comes, and recorded
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `settings.rs` | section `[llm.cache]` |
//! | `key.rs`, `canonical.rs` | what two calls have in common that ask the same |
//! | `kept.rs`, `good.rs` | an answer that is kept, and which ones are |
//! | `replay/` | one answer as a whole and as a stream |
//! | `memory.rs`, `shelf.rs`, `seal.rs` | where they are kept |
//! | `recording.rs`, `recorder.rs` | an answer on its way to the first who asked |
//!
//! Invariant: what is kept was given to its end, and ended well. A key holds all that an answer depends on, and whom it is for.

mod canonical;
mod good;
mod kept;
mod key;
mod memory;
mod recorder;
mod recording;
mod replay;
mod seal;
mod settings;
mod shelf;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header::CACHE_CONTROL};
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter, Metric, MetricKind},
    problem::Problem,
};
use seawall_resilience::Deadline;
use tokio::sync::Semaphore;

use self::{
    kept::{Kept, Wanted},
    key::{Key, Place, streams},
    memory::Memory,
    recording::Keep,
};
use super::{account::Account, record::Outcome, route::Led, target::Question};
use crate::{
    caller::Caller,
    endpoint::Surroundings,
    flight::{Flights, Joined},
    problem::LATE,
    service::Answered,
};

pub(crate) use recording::Recording;
pub use settings::CACHE;
pub(crate) use settings::CacheSettings;
pub(crate) use shelf::Shelf;

/// What became of calls.
pub(crate) static RESULTS: Metric = Metric {
    name: "seawall_llm_cache",
    help: "Calls of language models whose answers may be kept, by result: hit, shared (another call brought it), miss, bypass.",
    kind: MetricKind::Counter,
    labels: &["result"],
};

/// What answers hold.
pub(crate) static HELD: Metric = Metric {
    name: "seawall_llm_cache_bytes",
    help: "What kept answers of language models hold, by where: memory or store.",
    kind: MetricKind::Gauge,
    labels: &["where"],
};

/// How an answer came to be: `hit`, `shared`, `miss` or `bypass`.
static CACHE_FIELD: HeaderName = HeaderName::from_static("x-seawall-cache");

/// Calls that may wait for others; those beyond are made by themselves.
const WAITING: usize = 4_096;

/// The answers of one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: CacheSettings,
    memory: Arc<Memory>,
    flights: Flights<Place, Arc<Kept>>,
    waiting: Semaphore,
    meters: Meters,
}

#[derive(Debug)]
struct Meters {
    hit: Handle,
    shared: Handle,
    miss: Handle,
    bypass: Handle,
}

/// What is known of a call beside what it asks.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) led: &'a Led,
    pub(crate) caller: &'a Caller,
    pub(crate) shelf: &'a Shelf,
    /// Until when it may wait.
    pub(crate) deadline: Deadline,
    pub(crate) clock: &'a Arc<dyn Clock>,
}

/// What there is for a call.
pub(crate) enum Found {
    /// An answer.
    Answer(Answered),
    /// Nothing: it has to be made.
    Nothing(Recording),
}

impl Cache {
    /// A cache of these settings. What an earlier one holds in memory stays, as its size does.
    pub(crate) fn new(settings: CacheSettings, earlier: Option<&Self>, around: &Surroundings) -> Self {
        let known = earlier.filter(|earlier| earlier.0.settings.memory_bytes == settings.memory_bytes);
        let held = |meter: &dyn Meter| meter.series(&HELD, &["memory"]);
        let memory = known.map_or_else(
            || Arc::new(Memory::new(settings.memory_bytes, held(&*around.meter))),
            |known| Arc::clone(&known.0.memory),
        );
        let of = |result| around.meter.series(&RESULTS, &[result]);
        let meters = Meters { hit: of("hit"), shared: of("shared"), miss: of("miss"), bypass: of("bypass") };
        let waiting = Semaphore::new(WAITING);
        Self(Arc::new(Inner { settings, memory, flights: Flights::default(), waiting, meters }))
    }

    /// Looks for the answer of a call, and waits for it where another call asks the same. `row` begins the call's row, should there be
    /// no need to make it.
    pub(crate) async fn find(
        &self,
        question: &Question<'_>,
        asking: Asking<'_>,
        row: impl FnOnce() -> Account,
    ) -> Result<Found, Box<Problem>> {
        let inner = &self.0;
        let asks = cache_control(&question.head.headers);
        let key = Key::of(question, asking.led, asking.caller, &inner.settings).filter(|_| asks != Asks::NoStore);
        let Some(key) = key else { return Ok(Found::Nothing(inner.bypassed())) };
        let wanted = wanted(question);
        let now_us = || asking.clock.now().unix_us;
        let look = || inner.memory.get(&key.place, now_us(), inner.settings.ttl_us());
        let keep = |leader| Keep {
            cache: Arc::clone(inner),
            key: key.clone(),
            wanted,
            leader,
            shelf: asking.shelf.clone(),
            clock: Arc::clone(asking.clock),
            head: HeaderMap::new(),
        };
        if asks == Asks::NoCache {
            inner.meters.bypass.increment();
            return Ok(Found::Nothing(Recording::new("bypass", Some(keep(None)))));
        }
        if let Some(kept) = look()
            && let Some(found) = kept.given(wanted, "hit", now_us())
        {
            inner.meters.hit.increment();
            return Ok(Found::Answer(free(row(), &kept, found)));
        }
        let Ok(_place) = inner.waiting.try_acquire() else { return Ok(inner.missed(None, Some(keep(None)))) };
        let account = row();
        match inner.flights.join(&key.place, asking.deadline, look).await {
            Ok(Joined::Brought(kept)) => {
                if let Some(found) = kept.given(wanted, "shared", now_us()) {
                    inner.meters.shared.increment();
                    return Ok(Found::Answer(free(account, &kept, found)));
                }
                Ok(inner.missed(Some(account), None))
            }
            Ok(Joined::Alone) => Ok(inner.missed(Some(account), None)),
            Ok(Joined::Lead(leader)) => {
                if let Some(kept) = inner.shelved(asking.shelf, &key, now_us()).await
                    && let Some(found) = kept.given(wanted, "hit", now_us())
                {
                    inner.memory.put(key.place, Arc::clone(&kept));
                    leader.share(Arc::clone(&kept));
                    inner.meters.hit.increment();
                    return Ok(Found::Answer(free(account, &kept, found)));
                }
                Ok(inner.missed(Some(account), Some(keep(Some(leader)))))
            }
            Err(late) => Err(waited(account, &late).into()),
        }
    }
}

impl Inner {
    /// A call whose answer is neither looked for nor kept.
    fn bypassed(&self) -> Recording {
        self.meters.bypass.increment();
        Recording::new("bypass", None)
    }

    /// A call that has to be made, whose row is then another's.
    fn missed(&self, account: Option<Account>, keep: Option<Keep>) -> Found {
        if let Some(account) = account {
            account.forget();
        }
        self.meters.miss.increment();
        Found::Nothing(Recording::new("miss", keep))
    }

    /// The answer in the database, where answers are kept there.
    async fn shelved(&self, shelf: &Shelf, key: &Key, now_us: u64) -> Option<Arc<Kept>> {
        if self.settings.store_bytes == 0 {
            return None;
        }
        let kept = shelf.find(key, now_us).await?;
        kept.fresh(now_us, self.settings.ttl_us()).then(|| Arc::new(kept))
    }
}

/// How a call wants its answer.
fn wanted(question: &Question<'_>) -> Wanted {
    let (dialect, operation) = (question.asked.dialect, question.asked.operation);
    let lacks = question.sketch.as_ref().is_some_and(|sketch| sketch.lacks_usage(dialect, operation));
    Wanted { dialect, operation, streams: streams(question), usage: !lacks }
}

/// An answer that nobody pays.
fn free(mut account: Account, kept: &Kept, response: http::Response<crate::body::Body>) -> Answered {
    account.free(response.status().as_u16());
    kept.heard_by(&mut account);
    account.settle(Outcome::Cached, None);
    Answered { response, attempts: 0 }
}

/// The time was over while another call was under way.
fn waited(mut account: Account, late: &seawall_resilience::TimedOut) -> Problem {
    let problem = Problem::new(&LATE).detail("Another call that asks the same did not end in time.");
    account.failed(problem.status().as_u16(), 0);
    account.settle(Outcome::Failed, Some(format!("waiting for another call: {late}")));
    problem.header(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"))
}

/// What a call says of kept answers (RFC 9111 section 5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nothing,
    /// A fresh answer, which is kept.
    NoCache,
    /// A fresh answer, which is not kept.
    NoStore,
}

fn cache_control(headers: &HeaderMap) -> Asks {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let says = |name: &str| directives.iter().any(|directive| directive.eq_ignore_ascii_case(name));
    match (says("no-store"), says("no-cache")) {
        (true, _) => Asks::NoStore,
        (false, true) => Asks::NoCache,
        (false, false) => Asks::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_what_it_wants_of_kept_answers() {
        let says = |line: &'static str| {
            cache_control(&HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(line))]))
        };
        assert_eq!(says("No-Cache"), Asks::NoCache);
        assert_eq!(says("no-cache, no-store"), Asks::NoStore);
        assert_eq!(says("max-age=60"), Asks::Nothing);
    }
}
