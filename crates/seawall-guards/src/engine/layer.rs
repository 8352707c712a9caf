//! The single tower adapter: gives any guard to any Rust application, through the same loop as the proxy.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    task,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::{Meter, NoMeter},
    reply::BoxFuture,
};
use tower_layer::Layer;
use tower_service::Service;

use super::{Context, Counted, End, Flow, Guard, GuardEntry, Peer, Policy, Seed, Step, Stop};
use crate::problem::Pages;

/// Puts one guard in front of a service.
///
/// The client's address comes from a [`Peer`] in the request's extensions; put it there where connections are accepted.
/// Without it all requests count as one client.
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
    S: Service<Request<Counted<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Either<R, Full<Bytes>>>;
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
        mut context: Context,
    ) -> Result<Response<Either<R, Full<Bytes>>>, S::Error>
    where
        S: Service<Request<Counted<B>>, Response = Response<R>>,
    {
        let (mut head, body) = request.into_parts();
        let mut flow = self.policy.head(&mut head, &mut context);
        while let Flow::Later(place, wait) = flow {
            flow = self.policy.settle(place, wait.await, &mut head, &mut context);
        }
        let mut sent = false;
        let answer = match flow {
            Flow::Stop(stop) => self.stopped(stop, &mut context),
            Flow::Pass | Flow::Later(..) => {
                sent = true;
                let watch = self.policy.watch();
                let answer = inner.call(Request::from_parts(head, Counted::new(body, watch.clone()))).await;
                let exceeded = watch.is_some_and(|watch| watch.exceeded());
                match (exceeded.then(|| self.policy.body_exceeded(&mut context)), answer) {
                    (Some(Some(stop)), _) => self.stopped(stop, &mut context),
                    (_, Ok(answer)) => self.answered(answer, &mut context),
                    (_, Err(error)) => {
                        self.policy.finish(&End { sent, status: None }, &context);
                        return Err(error);
                    }
                }
            }
        };
        let (mut answer, body) = answer.into_parts();
        self.policy.dress(&mut answer, &context);
        self.policy.finish(&End { sent, status: Some(answer.status) }, &context);
        Ok(Response::from_parts(answer, body))
    }

    fn answered<R>(&self, answer: Response<R>, context: &mut Context) -> Response<Either<R, Full<Bytes>>> {
        let (mut answer, body) = answer.into_parts();
        match self.policy.answer(&mut answer, context) {
            Some(stop) => self.stopped(stop, context),
            None => Response::from_parts(answer, Either::Left(body)),
        }
    }

    fn stopped<R>(&self, stop: Stop, context: &mut Context) -> Response<Either<R, Full<Bytes>>> {
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
