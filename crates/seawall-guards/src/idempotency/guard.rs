//! The decision on a request with a key: claimed once its body is whole, settled before its answer is seen.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header::ACCEPT_ENCODING};
use seawall_core::{
    Mode, fault,
    idempotency::{
        Begin, Caller, Claim, Ending, Fate, Fingerprinting, IdempotencyStore, Key, Lease, Scope, Unknown, When, fate,
        points,
    },
    meter::{Handle, Meter, Metric, MetricKind},
    problem::Problem,
    reply::{PortError, Reply},
    settings::{BadSetting, Values},
};

use super::{Asked, Rules, Step, budget::Budget, caller, keeping::Keeping, unanswered};
use crate::{
    AnswerHead, Context, End, Expected, Guard, Head, Hold, Inspect, Needs, Shared, Stop, Verdict, deadline::Deadlines,
    engine::Settle, streaming::streams,
};

/// How long the store may take (checklist WK-6).
const PATIENCE_US: u64 = 5_000_000;

/// How long an exchange without a limit is believed to go on while its process lives, in microseconds.
const LONGEST_US: u64 = 60 * 60 * 1_000_000;

/// How much later than its time limit an exchange may be over.
const SLACK_US: u64 = 60 * 1_000_000;

/// Requests with a key.
pub static REQUESTS: Metric = Metric {
    name: "seawall_idempotency_requests",
    help: "Requests with an idempotency key, by what they came to: fresh, replayed, in_flight, mismatch, unknown, not_kept, or unavailable because the store did not answer or was full.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// What requests come to.
const OUTCOMES: [&str; 7] = ["fresh", "replayed", "in_flight", "mismatch", "unknown", "not_kept", "unavailable"];

/// Lets a request with a key be carried out once.
#[derive(Debug)]
pub struct IdempotencyGuard {
    deciding: Arc<Deciding>,
}

/// What is needed while the store is waited for.
#[derive(Debug)]
pub(super) struct Deciding {
    pub(super) rules: Rules,
    route: Arc<str>,
    pub(super) store: Arc<dyn IdempotencyStore>,
    /// Whether requests are carried out once. A guard that only reports notes in memory what was asked, to tell what it would refuse;
    /// nobody is given an earlier answer, and of requests it says nothing to the exchange.
    enforces: bool,
    lease_us: u64,
    /// For callers that nobody has verified.
    pub(super) budget: Budget,
    outcomes: [Handle; OUTCOMES.len()],
}

/// A request that is carried out under a key, until what came of it is settled.
#[derive(Debug)]
pub struct Attempt {
    pub(super) lease: Lease,
    bears_twice: bool,
    /// What the application answered, while nobody holds that.
    answered: Option<StatusCode>,
}

impl Attempt {
    /// Whether the exchange may send it a second time by itself: the route says that its application bears that, or the key is only
    /// reported on.
    #[must_use]
    pub const fn bears_twice(&self) -> bool {
        self.bears_twice
    }
}

impl IdempotencyGuard {
    /// Reads the settings for a route in a mode. Exchanges end within these time limits.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(
        values: &Values,
        route: &str,
        mode: Mode,
        deadlines: &Deadlines,
        shared: &Shared,
    ) -> Result<Self, BadSetting> {
        let total_us = deadlines.total.map(|total| u64::try_from(total.as_micros()).unwrap_or(u64::MAX));
        let rules = Rules::read(values)?;
        let store = match mode {
            Mode::Report => Arc::clone(&shared.rehearsed) as Arc<dyn IdempotencyStore>,
            Mode::Enforce | Mode::Off => Arc::clone(&shared.attempts),
        };
        let meter: &dyn Meter = &*shared.meter;
        let deciding = Deciding {
            budget: Budget::new(shared.of_this_process().rates, rules.ttl_us()),
            rules,
            route: route.into(),
            store,
            enforces: mode == Mode::Enforce,
            lease_us: total_us.unwrap_or(LONGEST_US).saturating_add(SLACK_US),
            outcomes: OUTCOMES.map(|outcome| meter.series(&REQUESTS, &[outcome])),
        };
        Ok(Self { deciding: Arc::new(deciding) })
    }
}

impl Guard for IdempotencyGuard {
    fn inspect(
        &self,
        head: &mut Head,
        _expected: &Expected,
        context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        let key = match self.deciding.rules.asked(head) {
            Asked::Once(key) => key,
            Asked::Nothing => return Ok(None),
            Asked::Refused(problem) => return Err(problem),
        };
        let scope = OwnScope { caller: caller(head, context), route: Arc::clone(&self.deciding.route) };
        let taking = Fingerprinting::of(&head.method, &head.uri);
        Ok(Some(Box::new(Look { deciding: Arc::clone(&self.deciding), key, scope, taking })))
    }

    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        if let Some(attempt) = &mut context.attempt {
            attempt.answered = Some(answer.status);
        }
        None
    }

    fn hold(&self, answer: &AnswerHead, context: &mut Context) -> Option<Box<dyn Hold>> {
        // Of an answer that breaks off while it is held, the outcome is unknown.
        context.attempt.as_mut()?.answered = None;
        fault::point(points::ANSWERED);
        let kept = fate(answer.status) == Fate::Keep && !streams(&answer.headers);
        Some(Box::new(Keeping::new(&self.deciding, kept)))
    }

    fn finish(&self, end: &End, context: &Context) {
        // Nobody held the answer: there was none, or it was replaced, or the guard only reports.
        let Some(attempt) = &context.attempt else { return };
        let ending = match attempt.answered {
            Some(status) => self.deciding.rules.answered(status, &HeaderMap::new(), None),
            // The client left, and the request would have been carried on.
            None if !self.deciding.enforces && end.status.is_none() => Ending::Released,
            None => unanswered(end.sent),
        };
        self.deciding.store.give_up(&attempt.lease, ending, when(context));
    }

    fn needs(&self) -> Needs {
        let enforces = self.deciding.enforces;
        let carried_on = enforces.then(|| self.deciding.rules.header().clone());
        Needs { inspects: true, holds: enforces, answers: true, finishes: true, carried_on, ..Needs::default() }
    }
}

/// Where a key holds.
#[derive(Debug)]
struct OwnScope {
    caller: Caller,
    route: Arc<str>,
}

/// Takes the fingerprint while the body comes.
#[derive(Debug)]
struct Look {
    deciding: Arc<Deciding>,
    key: Key,
    scope: OwnScope,
    taking: Fingerprinting,
}

impl Inspect for Look {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.taking.body(part);
        Ok(())
    }

    fn end(self: Box<Self>, head: &mut Head, context: &mut Context) -> Verdict {
        let Self { deciding, key, scope, taking } = *self;
        fault::point(points::ASKED);
        let begin = Begin {
            scope: Scope { caller: scope.caller, route: &scope.route },
            key: &key,
            fingerprint: &taking.finish(),
            ttl_us: deciding.rules.ttl_us(),
            lease_us: deciding.lease_us,
            unknown: deciding.rules.unknown(),
            when: when(context),
        };
        match deciding.store.begin(&begin) {
            Reply::Ready(claim) => deciding.claimed(claim, head, context),
            Reply::Later(wait) => Verdict::Later(Box::pin(async move {
                let claim = wait.await;
                Box::new(move |head: &mut Head, context: &mut Context| deciding.claimed(claim, head, context)) as Settle
            })),
        }
    }
}

impl Deciding {
    fn claimed(&self, claim: Result<Claim, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        if !self.enforces {
            return self.rehearsed(claim, context);
        }
        self.count(&claim);
        match self.rules.decide(claim) {
            Step::Send(lease) => {
                // A body is kept as it comes, and given again to whoever takes no coding.
                head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
                let bears_twice = self.rules.unknown() == Unknown::Retry;
                context.attempt = Some(Box::new(Attempt { lease, bears_twice, answered: None }));
                fault::point(points::CLAIMED);
                Verdict::Pass
            }
            Step::SendUnprotected => Verdict::Pass,
            Step::Answer(answer) => {
                fault::point(points::REPLAYING);
                Verdict::Answer(answer)
            }
            Step::Refuse(problem) => Verdict::Refuse(problem),
        }
    }

    /// What would be said of a request that goes on in any case. Whoever enforces has an answer for what was answered, and that it could
    /// not be noted is no fault of the request.
    fn rehearsed(&self, claim: Result<Claim, PortError>, context: &mut Context) -> Verdict {
        match claim {
            Ok(Claim::Replay(_) | Claim::NotKept(_)) | Err(_) => return Verdict::Pass,
            Ok(_) => {}
        }
        match self.rules.decide(claim) {
            Step::Send(lease) => {
                context.attempt = Some(Box::new(Attempt { lease, bears_twice: true, answered: None }));
                Verdict::Pass
            }
            Step::Refuse(problem) => Verdict::Refuse(problem),
            Step::SendUnprotected | Step::Answer(_) => Verdict::Pass,
        }
    }

    fn count(&self, claim: &Result<Claim, PortError>) {
        let outcome = match claim {
            Ok(Claim::Fresh(_)) => 0,
            Ok(Claim::Replay(_)) => 1,
            Ok(Claim::InFlight { .. }) => 2,
            Ok(Claim::Mismatch) => 3,
            Ok(Claim::Unknown) => 4,
            Ok(Claim::NotKept(_)) => 5,
            Err(_) => 6,
        };
        if let Some(outcome) = self.outcomes.get(outcome) {
            outcome.increment();
        }
    }
}

pub(super) fn when(context: &Context) -> When {
    let now = context.now;
    When { now, deadline_us: now.monotonic_us.saturating_add(PATIENCE_US) }
}
