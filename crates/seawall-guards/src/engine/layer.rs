//! The single tower adapter: gives any guard to any Rust application, through the same loop as the proxy.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    task,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::Body;
use http_body_util::{Either, Full};
use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::{Meter, NoMeter},
    problem::Problem,
    reply::BoxFuture,
};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    AnswerHead, Context, Counted, End, Flow, Followed, Guard, GuardEntry, Head, HeldFlow, Kept, Peer, Policy, Reread,
    Seed, Step, Stop,
};
use crate::{body::TOO_LARGE, conditional::Current, problem::Pages};

/// How much of a body is held for a guard, and how much it is shown at once.
const MOST_BYTES: usize = 10 * 1024 * 1024;
const PART_BYTES: usize = 64 * 1024;

/// How much a guard may hold of one beside it: a document as a tree may be dozens of times as large as it came.
const MOST_BESIDE_BYTES: u64 = 64 * 1024 * 1024;

/// Puts one guard in front of a service.
///
/// The client's address comes from a [`Peer`] in the request's extensions; put it there where connections are accepted.
/// Without it all requests count as one client.
///
/// A client that leaves ends its request here, as servers drop its future; the guard is told. Seawall itself carries a request with an
/// idempotency key on, so that its answer is there when the client comes again: an application that wants this calls the layered
/// service in a task of its own (`tokio::spawn`) and awaits that.
pub struct GuardLayer<G> {
    guard: Arc<G>,
    entry: &'static GuardEntry,
    mode: Mode,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    pages: Arc<Pages>,
}

impl<G: Guard + 'static> GuardLayer<G> {
    /// A layer that enforces `guard`.
    #[must_use]
    pub fn new(entry: &'static GuardEntry, guard: G) -> Self {
        let pages = Arc::new(Pages::new("", false));
        Self {
            guard: Arc::new(guard),
            entry,
            mode: Mode::Enforce,
            clock: Arc::new(ProcessClock::new()),
            meter: Arc::new(NoMeter),
            pages,
        }
    }

    /// Sets the mode.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Reads the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Counts decisions.
    #[must_use]
    pub fn meter(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = meter;
        self
    }
}

impl<G> fmt::Debug for GuardLayer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("guard", &self.entry.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl<G: Guard + 'static, S> Layer<S> for GuardLayer<G> {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> GuardService<S> {
        let guard: Arc<dyn Guard> = Arc::clone(&self.guard) as Arc<dyn Guard>;
        let step = Step::new(self.entry, guard, self.mode, "*", &*self.meter);
        let policy = Arc::new(Policy::single("*".into(), step));
        GuardService { inner, policy, clock: Arc::clone(&self.clock), pages: Arc::clone(&self.pages) }
    }
}

/// A service behind one guard.
#[derive(Clone, Debug)]
pub struct GuardService<S> {
    inner: S,
    policy: Arc<Policy>,
    clock: Arc<dyn Clock>,
    pages: Arc<Pages>,
}

impl<S, B, R> Service<Request<B>> for GuardService<S>
where
    S: Service<Request<Reread<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send,
{
    type Response = Response<Either<Reread<Followed<R>>, Full<Bytes>>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The inner service that was polled ready is the one that must be called.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        let exchange = Exchange { policy: Arc::clone(&self.policy), pages: Arc::clone(&self.pages) };
        let context = exchange.context(&request, self.clock.now());
        Box::pin(exchange.run(inner, request, context))
    }
}

/// One request on its way through the layer.
struct Exchange {
    policy: Arc<Policy>,
    pages: Arc<Pages>,
}

/// What its guard took, until it is over: answered, failed, or left by its client, which drops its future.
struct Underway<'a> {
    policy: &'a Policy,
    context: Context,
    end: End,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.policy.finish(&self.end, &self.context);
    }
}

impl Exchange {
    fn context<B>(&self, request: &Request<B>, now: Now) -> Context {
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.unwrap_or_else(|| Peer::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), false));
        let seed = Seed(std::array::from_fn(|_| {
            std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), now.unix_us)
        }));
        Context::new(peer, request.headers(), now, seed, Arc::clone(self.policy.route()))
    }

    async fn run<S, B, R>(
        self,
        mut inner: S,
        request: Request<B>,
        context: Context,
    ) -> Result<Response<Either<Reread<Followed<R>>, Full<Bytes>>>, S::Error>
    where
        S: Service<Request<Reread<B>>, Response = Response<R>>,
        B: Body<Data = Bytes>,
        R: Body<Data = Bytes>,
    {
        let (mut head, body) = request.into_parts();
        let mut underway = Underway { policy: &self.policy, context, end: End { sent: false, status: None } };
        let context = &mut underway.context;
        let mut flow = self.policy.head(&mut head, context);
        while let Flow::Later(place, wait) = flow {
            flow = self.policy.settle(place, wait.await, &mut head, context);
        }
        let watch = self.policy.watch();
        let mut body = Reread::new(Counted::new(body, watch.clone()));
        if let Flow::Pass = flow
            && let Some(stop) = self.inspect(&mut head, &mut body, context).await
        {
            flow = Flow::Stop(stop);
        }
        // A layer has nobody to ask for the current state of what the request changes.
        if let Flow::Pass = flow
            && context.conditional.check.is_some()
            && let Some(stop) = self.policy.current(&Current::Unknown("a layer cannot ask for it".into()), context)
        {
            flow = Flow::Stop(stop);
        }
        let answer = match flow {
            Flow::Stop(stop) => self.stopped(stop, context),
            Flow::Pass | Flow::Later(..) => {
                underway.end.sent = true;
                let answer = inner.call(Request::from_parts(head, body)).await;
                let exceeded = watch.is_some_and(|watch| watch.exceeded());
                let stop = if exceeded { self.policy.body_exceeded(context) } else { None };
                match stop {
                    Some(stop) => self.stopped(stop, context),
                    None => {
                        let answer = answer?;
                        self.answered(answer, context).await
                    }
                }
            }
        };
        let (mut answer, body) = answer.into_parts();
        self.policy.dress(&mut answer, context);
        underway.end.status = Some(answer.status);
        Ok(Response::from_parts(answer, body))
    }

    /// Shows the body to the guard, when it looks at bodies. Of one that is longer than can be held it sees no more.
    async fn inspect<B: Body<Data = Bytes>>(
        &self,
        head: &mut Head,
        body: &mut Reread<B>,
        context: &mut Context,
    ) -> Option<Stop> {
        let inspection = self.policy.inspect(head, body.size_hint().exact(), context);
        let mut inspection = match inspection {
            Ok(inspection) => inspection?,
            Err(stop) => return Some(stop),
        };
        let mut kept = Kept::default();
        while !inspection.over()
            && let Some(part) = body.next().await
        {
            let slices =
                part.chunks(PART_BYTES).find_map(|slice| self.policy.inspect_part(&mut inspection, slice, context));
            kept.push(part.clone());
            let full = || Problem::new(&TOO_LARGE).detail("The body is longer than can be looked at.").close();
            let stop = match slices {
                None if kept.bytes() > MOST_BYTES || inspection.held_bytes() > MOST_BESIDE_BYTES => {
                    self.policy.inspect_no_further(&mut inspection, &full(), context)
                }
                stop => stop,
            };
            if stop.is_some() {
                return stop;
            }
        }
        // Of a body that breaks off, whoever comes next sees nothing else.
        if body.failed() && !inspection.over() {
            return None;
        }
        body.begin_with(kept);
        let mut flow = self.policy.inspected(&mut inspection, head, context);
        while let Flow::Later(place, wait) = flow {
            flow = self.policy.inspected_after(place, wait.await, &mut inspection, head, context);
        }
        // Nobody asks for what was read any more.
        context.json = None;
        if let Some(replaced) = context.body.take() {
            head.headers.remove(TRANSFER_ENCODING);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(replaced.len()));
            body.replace(replaced);
        }
        if let Flow::Stop(stop) = flow { Some(stop) } else { None }
    }

    async fn answered<R: Body<Data = Bytes>>(
        &self,
        answer: Response<R>,
        context: &mut Context,
    ) -> Response<Either<Reread<Followed<R>>, Full<Bytes>>> {
        let (mut answer, body) = answer.into_parts();
        let following = self.policy.follow(&answer, context);
        if let Some(stop) = self.policy.answer(&mut answer, context) {
            return self.stopped(stop, context);
        }
        let mut body = Reread::new(Counted::new(Followed::new(body, following), None));
        match self.hold(&mut answer, &mut body, context).await {
            Some(stop) => self.stopped(stop, context),
            None => Response::from_parts(answer, Either::Left(body)),
        }
    }

    /// Holds the answer while the guard wants more of it.
    async fn hold<R: Body<Data = Bytes>>(
        &self,
        answer: &mut AnswerHead,
        body: &mut Reread<R>,
        context: &mut Context,
    ) -> Option<Stop> {
        let mut holding = self.policy.hold(answer, context)?;
        let mut kept = Kept::default();
        while holding.more()
            && let Some(part) = body.next().await
        {
            let more = part.chunks(PART_BYTES).all(|slice| holding.part(slice));
            kept.push(part);
            if !more || kept.bytes() > MOST_BYTES {
                break;
            }
        }
        let ended = body.is_end_stream();
        body.begin_with(kept);
        let mut flow = self.policy.held(&mut holding, ended, answer, context);
        loop {
            match flow {
                HeldFlow::Pass => return None,
                HeldFlow::Stop(stop) => return Some(stop),
                HeldFlow::Later(place, wait) => {
                    let said = (place, wait.await);
                    flow = self.policy.held_after(said, &mut holding, ended, answer, context);
                }
            }
        }
    }

    fn stopped<R: Body<Data = Bytes>>(
        &self,
        stop: Stop,
        context: &mut Context,
    ) -> Response<Either<Reread<Followed<R>>, Full<Bytes>>> {
        let answer = match stop {
            Stop::Refused(problem) => self.pages.render(&problem, context),
            Stop::Answered(answer) => *answer,
        };
        answer.map(|bytes| Either::Right(Full::new(bytes)))
    }
}

/// The clock of the process, for applications that give none.
#[derive(Debug)]
struct ProcessClock {
    started: std::time::Instant,
}

#[expect(clippy::disallowed_methods, reason = "a library user who gives no clock wants the real one")]
impl ProcessClock {
    fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "a library user who gives no clock wants the real one")]
impl Clock for ProcessClock {
    fn now(&self) -> Now {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let us = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Now { monotonic_us: us(self.started.elapsed()), unix_us: us(wall) }
    }
}
