//! The way in: from a request that was read to an answer that can be sent.

use std::{any::Any, borrow::Cow, panic::AssertUnwindSafe, rc::Rc, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{
    HeaderValue, Request, Response, Version,
    header::{EXPECT, USER_AGENT},
};
use seawall_core::{facts::Facts, problem::Problem};
use seawall_guards::{Context, Flow, Head, Peer, Seed, Stop, rescue::INTERNAL, strict_http};

use super::{Exchange, Outbound, answer::Payload, at_length, discard::discard};
use crate::{
    builtin::Patience,
    core::Core,
    edge::{Activity, Incoming},
    site::{RouteIndex, Site, Target},
};

/// A request that was read, and the exchange that it began.
#[derive(Debug)]
pub(crate) struct Begun {
    exchange: Box<Exchange>,
    /// Boxed, because a head is large and goes from hand to hand.
    head: Box<Head>,
    body: Incoming,
}

impl Begun {
    /// Begins the exchange of a request.
    pub(crate) fn new(core: Rc<Core>, activity: Rc<Activity>, peer: &Arc<Peer>, request: Request<Incoming>) -> Self {
        let exchange = Exchange::begin(core, activity, peer, &request);
        let (head, body) = request.into_parts();
        Self { exchange, head: Box::new(head), body }
    }

    /// Answers the request.
    pub(crate) async fn answer(self) -> Response<Outbound> {
        if self.exchange.site.router.carries_on(&self.head.headers) {
            return self.carried_on().await;
        }
        self.answer_while_waited_for().await
    }

    /// Answers it even if nobody waits for that any more: what comes of it has to be known.
    async fn carried_on(self) -> Response<Outbound> {
        match tokio::task::spawn_local(self.answer_while_waited_for()).await {
            Ok(answer) => answer,
            // Panics are caught within, and nobody cancels it.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }

    async fn answer_while_waited_for(self) -> Response<Outbound> {
        let Self { mut exchange, head, body } = self;
        let outcome = AssertUnwindSafe(exchange.run(head, body)).catch_unwind().await;
        let answer = outcome.unwrap_or_else(|panic| exchange.panicked(&*panic));
        Outbound::dress(exchange, answer)
    }
}

/// A phase of the way through the guards.
#[derive(Clone, Copy)]
enum Guards {
    BeforeRoute,
    AfterRoute,
}

impl Exchange {
    pub(super) fn begin<B>(
        core: Rc<Core>,
        activity: Rc<Activity>,
        peer: &Arc<Peer>,
        request: &Request<B>,
    ) -> Box<Self> {
        activity.began();
        core.meters.active.increment();
        let site = core.site();
        let route = site.router.default_route().policy.route().clone();
        let mut random = core.random.borrow_mut();
        let seed = Seed(std::array::from_fn(|_| random.u64(..)));
        drop(random);
        let context = Context::new(Arc::clone(peer), request.headers(), core.clock.now(), seed, route);
        Box::new(Self {
            route: RouteIndex::DEFAULT,
            context,
            method: request.method().clone(),
            target: request.uri().path_and_query().cloned(),
            agent: request.headers().get(USER_AGENT).cloned(),
            http1: request.version() != Version::HTTP_2,
            takes_trailers: false,
            sent: false,
            status: None,
            client_left: false,
            watch: None,
            bytes_out: 0,
            upstream_us: None,
            over_at: None,
            core,
            activity,
            site,
        })
    }

    async fn run(&mut self, mut head: Box<Head>, body: Incoming) -> Response<Payload> {
        if let Some(stop) = self.guards(Guards::BeforeRoute, &mut head).await {
            discard_unless_waiting(&head, body);
            return self.stopped(stop);
        }
        self.route = self.site.router.find(&head.method, head.uri.path());
        let site = Rc::clone(&self.site);
        let route = site.router.route(self.route);
        self.context.route = route.policy.route().clone();
        if let Some(stop) = self.guards(Guards::AfterRoute, &mut head).await {
            discard_unless_waiting(&head, body);
            return self.stopped(stop);
        }
        let answered = match route.target {
            Target::Upstream => self.forward(&route.policy, head, body).await.map_err(|problem| self.failed(problem)),
            Target::Builtin { body: true } => match self.read_brief(body).await {
                Ok(body) => self.ask_builtin(&site, *head, body).await,
                Err(problem) => Err(problem),
            },
            Target::Builtin { body: false } => {
                discard_unless_waiting(&head, body);
                self.ask_builtin(&site, *head, Bytes::new()).await
            }
            Target::AtLength => self.ask_at_length(&site, &route.policy, head, body).await,
        };
        answered.unwrap_or_else(|problem| self.refused(&problem))
    }

    async fn guards(&mut self, phase: Guards, head: &mut Head) -> Option<Stop> {
        let site = Rc::clone(&self.site);
        let policy = &site.router.route(self.route).policy;
        let mut flow = match phase {
            Guards::BeforeRoute => policy.enter(head, &mut self.context),
            Guards::AfterRoute => policy.head(head, &mut self.context),
        };
        loop {
            match flow {
                Flow::Pass => return None,
                Flow::Stop(stop) => return Some(stop),
                Flow::Later(place, wait) => flow = policy.settle(place, wait.await, head, &mut self.context),
            }
        }
    }

    async fn ask_builtin(
        &mut self,
        site: &Site,
        mut head: Head,
        body: Bytes,
    ) -> Result<Response<Payload>, Box<Problem>> {
        strict_http::strip_connection_fields(&mut head.headers)?;
        if let Cow::Owned(path) = crate::spelled(head.uri.path()) {
            let target = head.uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
            head.uri = target.parse().unwrap_or(head.uri);
        }
        let answer = site.builtins.ask(Request::from_parts(head, body), self.facts(), Patience::Usual).await?;
        Ok(at_length::payload(answer))
    }

    /// What is known of the request, for the control plane.
    pub(super) fn facts(&self) -> Facts {
        let context = &self.context;
        Facts {
            request_id: context.request_id,
            client: context.client,
            secure: context.secure,
            wants_page: context.wants_page,
            principal: context.principal.clone(),
            unproven: context.unproven,
            refresh: context.refresh.clone(),
        }
    }

    /// The answer of a guard that stopped the request.
    pub(super) fn stopped(&mut self, stop: Stop) -> Response<Payload> {
        match stop {
            Stop::Refused(problem) => self.refused(&problem),
            Stop::Answered(answer) => answer.map(Payload::Whole),
        }
    }

    /// The answer for a problem.
    pub(super) fn refused(&mut self, problem: &Problem) -> Response<Payload> {
        self.site.pages.render(problem, &mut self.context).map(Payload::Whole)
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) -> Response<Payload> {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "a panic without a message".to_owned());
        tracing::error!(
            request.id = self.context.request_id.as_str(),
            panic = text.as_str(),
            "a request panicked; the process goes on"
        );
        self.refused(&Problem::new(&INTERNAL).inside(format!("panicked: {text}")).close())
    }
}

/// Reads what is left of a body whose request goes no further; a client that asked first (`Expect`) does not send it.
fn discard_unless_waiting(head: &Head, body: Incoming) {
    if !head.headers.contains_key(EXPECT) {
        discard(body);
    }
}

/// Whether a header value is this word.
pub(super) fn is(value: Option<&HeaderValue>, word: &str) -> bool {
    value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
}
