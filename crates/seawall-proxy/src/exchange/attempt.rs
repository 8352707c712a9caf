//! Sending a request to a server of the upstream, and again to the same or another when a second time does no harm.

use std::{io, pin::Pin, rc::Rc, time::Duration};

use http::{
    HeaderName, HeaderValue, Request, Response,
    header::{TE, UPGRADE},
};
use seawall_core::{
    problem::{Fault, Problem},
    resilience::{Attempt, Decision, Failure, Keyed},
};
use seawall_guards::{Head, Policy};
use tokio::time::Instant;

use super::{
    Exchange,
    failed::{Blame, Failed, all_fail, no_upgrade, timed_out},
    spare::Spare,
    upload::{Upload, Waiting},
};
use crate::{
    edge::{self, Incoming, SendFailure, Unprocessed, UpstreamConnection},
    problems::{BAD_GATEWAY, TIMED_OUT, UNREACHABLE, UPSTREAM_BUSY},
    upstream::{Connected, Lease, NoConnection, Over, Places},
};

/// By which an application carries a request out once, however often it arrives (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long a request that tries a failing server may wait for its own client before another may try it instead.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// An answer whose head is here.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) lease: Lease,
    pub(super) connection: UpstreamConnection,
    pub(super) answer: Box<Response<Incoming>>,
}

/// Which outcomes of an attempt the server's breaker hears of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    All,
    Success,
}

/// Over what kind of connection a request goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It was idle, so the server may have closed it a moment ago.
    Idle,
    /// It was made, or used, just before.
    Fresh,
}

/// What is known of a request over all its attempts.
struct Attempts {
    /// The request's head, until an attempt takes it.
    head: Option<Box<Head>>,
    /// The head once more, when it was taken and the request may be sent twice.
    spare: Option<Spare>,
    keyed: Keyed,
    over: Over,
    /// What became of an attempt that was sent: it may have had an effect, whatever happens to the next.
    broken: Option<Box<Problem>>,
    /// Whether an attempt may have had an effect.
    carried: bool,
    tried: Places,
    made: u32,
    /// When the present attempt began, or had a connection of its own: what it waits for counts from here.
    since: Instant,
    /// No attempt begins after this: all share the time that one may take.
    until: Instant,
}

impl Attempts {
    /// Whether there is something to send.
    const fn possible(&self) -> bool {
        self.head.is_some() || self.spare.is_some()
    }

    fn take_head(&mut self) -> Option<Box<Head>> {
        self.head.take().or_else(|| self.spare.take().map(Spare::read))
    }
}

impl Exchange {
    /// Sends a request until a server answers, or trying again would make no sense.
    pub(super) async fn send(
        &mut self,
        policy: &Policy,
        head: Box<Head>,
        keyed: Keyed,
        upload: &Rc<Upload>,
        since: Instant,
    ) -> Result<Sent, Box<Problem>> {
        let core = Rc::clone(&self.core);
        let deadlines = policy.deadlines();
        let until = since + deadlines.connect + deadlines.response_head;
        core.upstream.requested(self.context.now);
        let tried = Places::default();
        let mut attempts = Attempts {
            over: self.over(&head),
            head: Some(head),
            spare: None,
            keyed,
            broken: None,
            carried: false,
            tried,
            made: 0,
            since,
            until,
        };
        let mut last = None;
        loop {
            let (lease, place) = match core.upstream.choose(attempts.tried) {
                Ok(chosen) => chosen,
                // What happened says more than that nobody is asked any more.
                Err(all) => return Err(attempts.broken.or(last).unwrap_or_else(|| all_fail(all))),
            };
            attempts.made += 1;
            // A request that fails whatever server takes it, however often, counts against each once.
            let counts = if attempts.tried.holds(place) { Counts::Success } else { Counts::All };
            attempts.tried = attempts.tried.with(place);
            match self.attempt(policy, lease, counts, &mut attempts, upload).await {
                Ok(sent) => {
                    attempts.carried = true;
                    let failure = Failure::Status(sent.answer.status().as_u16());
                    if !self.again(policy, &attempts, failure, upload) {
                        return Ok(sent);
                    }
                }
                Err(Failed { failure, problem, .. }) => {
                    if !failure.is_some_and(|failure| self.again(policy, &attempts, failure, upload)) {
                        let untouched = matches!(failure, Some(Failure::NothingSent | Failure::Unprocessed));
                        return Err(attempts.broken.filter(|_| untouched).unwrap_or(problem));
                    }
                    last = Some(problem);
                }
            }
            core.meters.retries.increment();
            if !core.upstream.has_others(attempts.tried) {
                let random = core.random.borrow_mut().u64(..);
                tokio::time::sleep(policy.retries().backoff.delay(attempts.made - 1, random)).await;
            }
            attempts.since = Instant::now();
        }
    }

    /// Over what a request can go.
    fn over(&self, head: &Head) -> Over {
        let upgrades = self.core.upstream.may_share() && head.headers.contains_key(UPGRADE);
        if upgrades { Over::Http1 } else { Over::Any }
    }

    /// Whether a failed attempt is followed by another.
    fn again(&self, policy: &Policy, attempts: &Attempts, failure: Failure, upload: &Upload) -> bool {
        attempts.possible()
            && self.worth(policy, attempts, failure, upload)
            && Instant::now() < attempts.until
            && self.core.upstream.may_retry(self.core.clock.now())
    }

    /// Whether the rules allow another attempt after such a failure.
    fn worth(&self, policy: &Policy, attempts: &Attempts, failure: Failure, upload: &Upload) -> bool {
        let attempt =
            Attempt { method: &self.method, keyed: attempts.keyed, body: upload.replay(), made: attempts.made };
        policy.retries().rules.decide(&attempt, failure) == Decision::Again
    }

    /// One attempt with one server. That an idle connection turns out dead says nothing of the server: what was not sent, or
    /// may be sent twice, then goes over a fresh one.
    async fn attempt(
        &mut self,
        policy: &Policy,
        mut lease: Lease,
        counts: Counts,
        attempts: &mut Attempts,
        upload: &Rc<Upload>,
    ) -> Result<Sent, Failed> {
        if let Some(idle) = lease.slot().take_idle(attempts.since, attempts.over) {
            match self.send_over(policy, &mut lease, idle, Life::Idle, attempts, upload).await {
                Err(Failed { failure: Some(_), blame: Blame::Nobody, .. }) => self.core.meters.retries.increment(),
                outcome => return self.settle(lease, counts, outcome),
            }
        }
        let outcome = match self.connect(policy, &lease, attempts).await {
            Ok(connection) => {
                attempts.since = Instant::now();
                self.send_over(policy, &mut lease, connection, Life::Fresh, attempts, upload).await
            }
            Err(failed) => Err(failed),
        };
        self.settle(lease, counts, outcome)
    }

    /// Tells the server's breaker how an attempt ended.
    fn settle(
        &self,
        mut lease: Lease,
        counts: Counts,
        outcome: Result<(UpstreamConnection, Box<Response<Incoming>>), Failed>,
    ) -> Result<Sent, Failed> {
        match outcome {
            Ok((connection, answer)) => {
                if self.core.upstream.fails_with(answer.status().as_u16()) {
                    lease.failed();
                } else {
                    lease.succeeded();
                }
                Ok(Sent { lease, connection, answer })
            }
            Err(failed) => {
                if failed.blame == Blame::Unreachable {
                    lease.not_reached();
                }
                let blamed = matches!(failed.blame, Blame::Server | Blame::Unreachable);
                if blamed && counts == Counts::All {
                    lease.failed();
                }
                Err(failed)
            }
        }
    }

    async fn connect(&self, policy: &Policy, lease: &Lease, attempts: &Attempts) -> Result<UpstreamConnection, Failed> {
        let limit = policy.deadlines().connect;
        let error = match lease.slot().connect(limit, attempts.over, &self.core.meters.refusals).await {
            Ok(Connected::New(connection)) => {
                self.core.meters.upstream_connections.increment();
                return Ok(connection);
            }
            Ok(Connected::HandedOn(connection)) => return Ok(connection),
            Err(NoConnection::Failed(error)) => error,
            Err(NoConnection::Busy) => {
                let problem =
                    Problem::new(&UPSTREAM_BUSY).inside("no place for a connection became free").retry_after(1);
                // There is no sense in waiting in one queue after the other.
                let failure = self.core.upstream.others_have_room(attempts.tried).then_some(Failure::NothingSent);
                return Err(Failed { failure, blame: Blame::Nobody, problem: Box::new(problem) });
            }
        };
        if attempts.over == Over::Http1 && error.kind() == io::ErrorKind::Unsupported {
            return Err(no_upgrade(&error.to_string()));
        }
        let problem = match error.kind() {
            io::ErrorKind::TimedOut => &TIMED_OUT,
            // Accepted, and then thrown out.
            io::ErrorKind::ConnectionReset => &BAD_GATEWAY,
            _ => &UNREACHABLE,
        };
        let inside = format!("connecting to {} failed: {error}", lease.slot().server().address());
        let problem = Box::new(Problem::new(problem).inside(inside).retry_after(1));
        Err(Failed { failure: Some(Failure::NothingSent), blame: Blame::Unreachable, problem })
    }

    /// Sends the request over one connection.
    async fn send_over(
        &mut self,
        policy: &Policy,
        lease: &mut Lease,
        mut connection: UpstreamConnection,
        life: Life,
        attempts: &mut Attempts,
        upload: &Rc<Upload>,
    ) -> Result<(UpstreamConnection, Box<Response<Incoming>>), Failed> {
        let nobody = |problem| Failed { failure: None, blame: Blame::Nobody, problem };
        let Some(head) = attempts.take_head() else {
            return Err(nobody(Box::new(Problem::new(&BAD_GATEWAY).inside("the request is gone"))));
        };
        let may_fail_with = if connection.shared() {
            upload.hold();
            Failure::Unprocessed
        } else {
            Failure::Broken
        };
        attempts.spare = self.worth(policy, attempts, may_fail_with, upload).then(|| Spare::of(&head));
        self.sent = true;
        let started_us = self.core.clock.monotonic_us();
        let mut request = Request::from_parts(*head, upload.begin(attempts.since));
        if self.takes_trailers && connection.shared() {
            request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
        }
        let outcome = {
            let answer = std::pin::pin!(connection.send(request));
            self.wait(policy, lease, answer, attempts, upload).await.map_err(|problem| {
                let blame = if problem.kind.fault == Fault::Upstream { Blame::Server } else { Blame::Nobody };
                Failed { failure: None, blame, problem }
            })?
        };
        self.upstream_us = Some(self.core.clock.monotonic_us().saturating_sub(started_us));
        let failure = match outcome {
            Ok(answer) => return Ok((connection, answer)),
            Err(failure) => failure,
        };
        Err(self.fails(policy, failure, life, attempts, upload))
    }

    /// What becomes of an attempt that gave no answer.
    fn fails(
        &mut self,
        policy: &Policy,
        failure: SendFailure,
        life: Life,
        attempts: &mut Attempts,
        upload: &Upload,
    ) -> Failed {
        let problem = self.broken(policy, &failure, attempts.over, upload);
        if matches!(failure, SendFailure::NothingSent(_) | SendFailure::Unprocessed(_)) {
            // No server has looked at it, unless an earlier attempt was answered or broke off.
            self.sent = attempts.carried;
        }
        let failed_by_refusal = match &failure {
            SendFailure::Broken(error) => edge::refusal(error).is_some(),
            SendFailure::Invalid(_) => true,
            SendFailure::NothingSent(_) | SendFailure::Unprocessed(_) | SendFailure::Reset(_) => false,
        };
        // Its connection lives: many requests share it, and this one alone was given up.
        let alone = matches!(failure, SendFailure::Unprocessed(Unprocessed::Refused) | SendFailure::Reset(_));
        let kind = match failure {
            SendFailure::NothingSent(request) => {
                let mut head = Box::new(request.into_parts().0);
                head.headers.remove(TE);
                attempts.head = Some(head);
                Failure::NothingSent
            }
            SendFailure::Unprocessed(_) => Failure::Unprocessed,
            SendFailure::Reset(_) | SendFailure::Broken(_) | SendFailure::Invalid(_) => Failure::Broken,
        };
        if problem.kind.fault != Fault::Upstream {
            return Failed { failure: None, blame: Blame::Nobody, problem };
        }
        if attempts.over == Over::Http1 && failed_by_refusal {
            return no_upgrade(problem.inside.as_deref().unwrap_or_default());
        }
        if kind == Failure::Broken {
            attempts.carried = true;
            attempts.broken = Some(problem.clone());
        }
        let blame = if kind == Failure::Unprocessed { Blame::Declined } else { Blame::Server };
        let failed = Failed { failure: Some(kind), blame, problem };
        // A server that answers what is not HTTP, or gives up a request, is not one whose connection had died.
        if life == Life::Fresh || failed_by_refusal || alone {
            return failed;
        }
        let free = kind == Failure::NothingSent || self.worth(policy, attempts, kind, upload);
        Failed { failure: failed.failure.filter(|_| free && attempts.possible()), blame: Blame::Nobody, ..failed }
    }

    /// Waits for an answer's head. One timer serves all deadlines: it is looked at only when it fires.
    async fn wait<T>(
        &self,
        policy: &Policy,
        lease: &mut Lease,
        mut answer: Pin<&mut impl Future<Output = T>>,
        attempts: &Attempts,
        upload: &Upload,
    ) -> Result<T, Box<Problem>> {
        let deadlines = policy.deadlines();
        // Further attempts have what the first has left.
        let shared = (attempts.made > 1).then_some(attempts.until);
        let ends = self.due(policy).into_iter().chain(shared).min();
        let limits = (deadlines.request_idle, deadlines.response_head);
        // When the wait is over as things stand, and when to look again: while the body is on its way, who is waited for may
        // change without a word.
        let due = || {
            let (waiting, since) = upload.state();
            let limit = if waiting == Waiting::Client { limits.0 } else { limits.1 };
            let slow = upload.too_slow_at(deadlines.request_rate, deadlines.request_grace);
            ends.into_iter().chain(slow).fold(since + limit, Instant::min)
        };
        let patience = if lease.probes() { PROBE_PATIENCE } else { Duration::MAX };
        let again = limits.0.min(limits.1).min(deadlines.request_grace).min(patience);
        let look = |due: Instant| if upload.done() { due } else { due.min(Instant::now() + again) };
        let mut timer = self.core.timers.at(look(due()));
        loop {
            tokio::select! {
                biased;
                answered = &mut answer => return Ok(answered),
                () = &mut timer => {}
            }
            if upload.state().0 == Waiting::Client {
                lease.probes_no_longer();
            }
            let due = due();
            if due <= Instant::now() {
                return Err(timed_out(upload));
            }
            timer.reset(look(due));
        }
    }
}

/// Whether a request says by a key that it may arrive twice.
pub(super) fn keyed(head: &Head) -> Keyed {
    // An empty one is no key to any application.
    let named = head.headers.get(IDEMPOTENCY_KEY).is_some_and(|key| !key.is_empty());
    if named { Keyed::Yes } else { Keyed::No }
}
