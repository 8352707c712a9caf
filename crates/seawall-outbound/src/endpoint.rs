//! One service that is asked: clocks, retries, breaker and places around its connections.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter, Metric, MetricKind},
    resilience::{
        Attempt, Backoff, BreakerSettings, BreakerState, BudgetSettings, Decision, Failure, Keyed, Replay, RetryRules,
    },
};
use seawall_resilience::{
    Bulkhead, BulkheadFull, CircuitBreaker, Clocked, Clocks, Deadline, Next, Open, Permit, ReadError, Retry,
    RetryBudget, RetryError, Ticket,
};

use crate::{
    client::{Client, Fault, Reach, Trust, retry_after},
    unheard::Unheard,
};

/// Attempts, by service and how they ended.
pub(crate) static ATTEMPTS: Metric = Metric {
    name: "seawall_outbound_attempts",
    help: "Attempts to ask other services, by service and outcome.",
    kind: MetricKind::Counter,
    labels: &["outbound", "outcome"],
};

/// The breaker of each service.
pub(crate) static BREAKER: Metric = Metric {
    name: "seawall_outbound_breaker_open",
    help: "Whether the circuit breaker of another service is open (1), half-open or closed (0).",
    kind: MetricKind::Gauge,
    labels: &["outbound"],
};

/// How a service is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSettings {
    /// What one exchange may take.
    pub clocks: Clocks,
    /// Where its name may lead.
    pub reach: Reach,
    /// Attempts in all, and the statuses that are tried again.
    pub retry: RetryRules,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Exchanges at once, and how many may wait for their turn.
    pub places: (usize, usize),
}

/// A service that is asked. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: EndpointSettings,
    client: Client,
    breaker: CircuitBreaker,
    places: Bulkhead,
    budget: RetryBudget,
    clock: Arc<dyn Clock>,
    meters: Meters,
}

#[derive(Clone, Debug)]
struct Meters {
    answered: Handle,
    failed: Handle,
    late: Handle,
}

/// What an endpoint is made from besides its settings.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where it counts.
    pub meter: Arc<dyn Meter>,
    /// Whom TLS believes.
    pub trust: Trust,
}

/// A request as each attempt sends it.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the service carries it out once however often it arrives, or twice does no harm.
    pub(crate) keyed: Keyed,
    /// Whether the answer may take all the time there is to begin.
    pub(crate) patient: bool,
}

/// Why there is no answer at all. An answer with a status that stands for a failure is an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Open(#[from] Open),
    #[error(transparent)]
    Full(#[from] BulkheadFull),
    #[error("{fault} ({attempts} attempts)")]
    Failed { attempts: u32, fault: Fault },
    #[error("the time for all attempts was over during attempt {attempts}")]
    TimedOut { attempts: u32 },
}

impl CallError {
    /// How many attempts were made.
    pub(crate) const fn attempts(&self) -> u32 {
        match self {
            Self::Open(_) | Self::Full(_) => 0,
            Self::Failed { attempts, .. } | Self::TimedOut { attempts } => *attempts,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    pub(crate) body: AnswerBody,
    pub(crate) attempts: u32,
}

/// How one attempt failed.
#[derive(Debug)]
enum Failed {
    Open(Open),
    Fault(Fault),
    Status(Box<Response<Incoming>>),
}

impl Endpoint {
    /// An endpoint. What was learnt of the service by an earlier one stays known.
    pub(crate) fn new(name: &str, settings: EndpointSettings, earlier: Option<&Self>, around: &Surroundings) -> Self {
        let breaker =
            earlier.map_or_else(|| breaker(name, settings.breaker, around), |earlier| earlier.0.breaker.clone());
        breaker.configure(settings.breaker);
        let (at_once, waiting) = settings.places;
        let places = earlier.map_or_else(|| Bulkhead::new(at_once, waiting), |earlier| earlier.0.places.clone());
        places.resize(at_once);
        places.let_wait(waiting);
        let fresh = || Client::new(around.trust.clone(), settings.reach, &settings.clocks);
        let same = |earlier: &&Self| {
            earlier.0.settings.clocks == settings.clocks && earlier.0.settings.reach == settings.reach
        };
        let client = earlier.filter(same).map_or_else(fresh, |earlier| earlier.0.client.clone());
        let fresh = || RetryBudget::new(BudgetSettings::default(), Arc::clone(&around.clock));
        let budget = earlier.map_or_else(fresh, |earlier| earlier.0.budget.clone());
        let attempts = |outcome| around.meter.series(&ATTEMPTS, &[name, outcome]);
        let meters = Meters { answered: attempts("answered"), failed: attempts("failed"), late: attempts("late") };
        Self(Arc::new(Inner { settings, client, breaker, places, budget, clock: Arc::clone(&around.clock), meters }))
    }

    pub(crate) fn settings(&self) -> &EndpointSettings {
        &self.0.settings
    }

    /// Asks, until there is an answer that is no reason to ask again, or no more attempt may be made. Dropping the future or the answer
    /// ends the attempt. In `unheard` stands at any time how many attempts the service may have carried out without an answer.
    pub(crate) async fn call(
        &self,
        request: &Outgoing,
        deadline: Deadline,
        unheard: &Unheard,
    ) -> Result<Answer, CallError> {
        let inner = &*self.0;
        // No place is waited for where nobody will be asked; dropped, the ticket says nothing.
        if inner.breaker.state() == BreakerState::Open {
            let _abandoned = inner.breaker.ticket()?;
        }
        let place = inner.places.acquire(deadline).await?;
        let retry = Retry::default().attempts(inner.settings.retry.attempts).backoff(inner.settings.backoff);
        let retry = retry.under(deadline).budget(inner.budget.clone());
        let mut attempts = 0;
        let ran = retry.run(
            |made| {
                attempts = made + 1;
                inner.attempt(request, unheard)
            },
            |failed| inner.next(request, failed),
        );
        let (answer, ticket) = match ran.await {
            Ok((answer, ticket)) => (answer, Some(ticket)),
            Err(RetryError::Failed { error: Failed::Status(answer), .. }) => (*answer, None),
            Err(RetryError::Failed { error: Failed::Open(open), attempts: 1, .. }) => return Err(open.into()),
            Err(RetryError::Failed { error: Failed::Open(_), attempts, .. }) => {
                let fault = Fault::Broken("it failed so often that it is left alone".to_owned());
                return Err(CallError::Failed { attempts: attempts - 1, fault });
            }
            Err(RetryError::Failed { error: Failed::Fault(fault), attempts, .. }) => {
                return Err(CallError::Failed { attempts, fault });
            }
            Err(RetryError::TimedOut { attempts, .. }) => {
                inner.meters.late.increment();
                return Err(CallError::TimedOut { attempts });
            }
        };
        let (head, body) = answer.into_parts();
        let body = Clocked::new(body, inner.settings.clocks.idle, deadline);
        Ok(Answer { head, body: AnswerBody::new(body, ticket, place), attempts })
    }
}

impl Inner {
    async fn attempt(&self, request: &Outgoing, unheard: &Unheard) -> Result<(Response<Incoming>, Ticket), Failed> {
        let mut ticket = self.breaker.ticket().map_err(Failed::Open)?;
        let mut outgoing = Request::new(Full::new(request.body.clone()));
        outgoing.method_mut().clone_from(&request.method);
        outgoing.uri_mut().clone_from(&request.uri);
        outgoing.headers_mut().clone_from(&request.headers);
        unheard.sending();
        let sent = self.client.send(outgoing, request.patient).await;
        ticket.answered();
        // Any answer tells what came of it; without a connection nothing did.
        if sent.as_ref().err().is_none_or(|fault| fault.failure() == Failure::NothingSent) {
            unheard.settled();
        }
        match sent {
            Ok(answer) if self.settings.retry.statuses.contains(&answer.status().as_u16()) => {
                self.meters.failed.increment();
                // Whoever asks for less is well; whoever fails is not.
                if answer.status().is_server_error() {
                    ticket.failed();
                }
                Err(Failed::Status(Box::new(answer)))
            }
            Ok(answer) => {
                self.meters.answered.increment();
                Ok((answer, ticket))
            }
            Err(fault) => {
                let meter = if matches!(fault, Fault::Late(_)) { &self.meters.late } else { &self.meters.failed };
                meter.increment();
                ticket.failed();
                Err(Failed::Fault(fault))
            }
        }
    }

    fn next(&self, request: &Outgoing, failed: &Failed) -> Next {
        let (failure, wait) = match failed {
            Failed::Open(_) => return Next::GiveUp,
            Failed::Fault(fault) => (fault.failure(), None),
            Failed::Status(answer) => {
                let failure = match answer.status() {
                    // Refused before anything was done, whatever the method.
                    StatusCode::TOO_MANY_REQUESTS => Failure::Unprocessed,
                    status => Failure::Status(status.as_u16()),
                };
                (failure, retry_after(answer.headers(), self.clock.now().unix_us))
            }
        };
        // How many attempts are made is the loop's to count.
        let attempt = Attempt { method: &request.method, keyed: request.keyed, body: Replay::Possible, made: 0 };
        match (self.settings.retry.decide(&attempt, failure), wait) {
            (Decision::GiveUp, _) => Next::GiveUp,
            (Decision::Again, Some(wait)) => Next::AgainAfter(wait),
            (Decision::Again, None) => Next::Again,
        }
    }
}

fn breaker(name: &str, settings: BreakerSettings, around: &Surroundings) -> CircuitBreaker {
    let gauge = around.meter.series(&BREAKER, &[name]);
    let name = name.to_owned();
    CircuitBreaker::new(settings, Arc::clone(&around.clock), move |change| {
        let open = |state| i64::from(state == BreakerState::Open);
        gauge.add(open(change.to) - open(change.from));
        let to = match change.to {
            BreakerState::Open => "left alone for a while, after it failed so often",
            BreakerState::HalfOpen => "tried again",
            BreakerState::Closed => "asked as before",
        };
        tracing::warn!(outbound.name = name, to, "another service's breaker changed");
    })
}

/// The body of an answer: under the clocks, and holding its place and its part in the breaker until it ends.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    body: Pin<Box<Clocked<Incoming>>>,
    /// What was read of it before it is passed on, and what it broke off with.
    ahead: VecDeque<Bytes>,
    broken: Option<ReadError<hyper::Error>>,
    ticket: Option<Ticket>,
    _place: Permit,
}

impl AnswerBody {
    fn new(body: Clocked<Incoming>, ticket: Option<Ticket>, place: Permit) -> Self {
        Self { body: Box::pin(body), ahead: VecDeque::new(), broken: None, ticket, _place: place }
    }

    /// Reads a part before it is passed on; nothing when there is none, because the answer has ended, and why not when it broke off. Whoever reads
    /// the body later gets all of it as it came. Nothing is lost when this is given up.
    pub(crate) async fn read_ahead(&mut self) -> Option<Result<Bytes, &ReadError<hyper::Error>>> {
        while self.broken.is_none() {
            match self.body.frame().await? {
                Ok(frame) => {
                    // Trailers belong to the connection.
                    let Ok(data) = frame.into_data() else { continue };
                    self.ahead.push_back(data.clone());
                    return Some(Ok(data));
                }
                Err(error) => self.broken = Some(error),
            }
        }
        self.broken.as_ref().map(Err)
    }

    /// The service has failed, as whoever read the answer knows.
    pub(crate) fn failed(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.failed();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = ReadError<hyper::Error>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match (self.ahead.pop_front(), self.broken.take()) {
            (Some(data), broken) => {
                self.broken = broken;
                Some(Ok(Frame::data(data)))
            }
            (None, Some(error)) => Some(Err(error)),
            (None, None) => ready!(self.body.as_mut().poll_frame(cx)),
        };
        match &frame {
            Some(Err(_)) => self.failed(),
            Some(Ok(_)) if !self.is_end_stream() => {}
            Some(Ok(_)) | None => {
                if let Some(ticket) = self.ticket.take() {
                    ticket.succeeded();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.ahead.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}
