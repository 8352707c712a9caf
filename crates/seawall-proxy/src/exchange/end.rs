//! What an exchange is, and what happens when it is over.

use std::{rc::Rc, time::Duration};

use http::{HeaderValue, Method, StatusCode, uri::PathAndQuery};
use seawall_guards::{Context, End, Policy, Watch};
use seawall_telemetry::{
    Entry,
    trace::{Attribute, Kind, SpanRecord},
};
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::{
    core::Core,
    edge::Activity,
    site::{Route, RouteIndex, Site},
};

/// One request on its way. Dropping it ends it: guards give back what they took, the log line and the metrics are written.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(super) core: Rc<Core>,
    pub(super) activity: Rc<Activity>,
    pub(super) site: Rc<Site>,
    pub(super) route: RouteIndex,
    pub(super) context: Context,
    pub(super) method: Method,
    pub(super) target: Option<PathAndQuery>,
    pub(super) agent: Option<HeaderValue>,
    /// Whether the protocol has `Connection`.
    pub(super) http1: bool,
    /// Whether the client said that it takes trailers; not asked while no application could hear of it.
    pub(super) takes_trailers: bool,
    pub(super) sent: bool,
    pub(super) status: Option<StatusCode>,
    /// Whether the client left in the middle of its request.
    pub(super) client_left: bool,
    pub(super) watch: Option<Watch>,
    pub(super) bytes_out: u64,
    pub(super) upstream_us: Option<u64>,
    /// When its last byte was sent, once somebody has read the clock for that.
    pub(super) over_at: Option<Instant>,
}

/// What is told of a client that left before its answer: the number that nginx made usual for it.
const CLIENT_LEFT: u16 = 499;

/// What the program's allocator has at hand without looking for it (mimalloc, `MI_SMALL_SIZE_MAX`).
const AT_HAND: usize = 1_024;
const _: () = assert!(size_of::<Exchange>() <= AT_HAND, "each request takes an exchange");

impl Exchange {
    /// The route found, or the default one.
    pub(super) fn route(&self) -> &Route {
        self.site.router.route(self.route)
    }

    /// What is left of the time for the whole exchange; without a limit, more than anybody waits.
    pub(super) fn left(&self) -> Duration {
        Duration::from_micros(self.context.deadline_us.saturating_sub(self.core.clock.monotonic_us()))
    }

    /// When the whole exchange has to be over, where its route limits that.
    pub(super) fn due(&self, policy: &Policy) -> Option<Instant> {
        policy.deadlines().total.map(|_| Instant::now() + self.left())
    }

    /// Whether the time for the whole exchange is over.
    pub(super) fn overdue(&self) -> bool {
        self.route().policy.deadlines().total.is_some() && self.left().is_zero()
    }

    /// The answer's status, for logs, spans and metrics.
    fn told(&self) -> u16 {
        self.status.map_or(CLIENT_LEFT, |status| status.as_u16())
    }

    fn log(&self, duration_us: u64) {
        let mut log = self.core.log.borrow_mut();
        let Some(log) = &mut *log else { return };
        let context = &self.context;
        let reported: SmallVec<[&'static str; 8]> = self.route().policy.reported(context).collect();
        let drift: SmallVec<[&'static str; 3]> = context.drift.differs().words().collect();
        let target = self.target.as_ref();
        log.record(&Entry {
            ended_unix_us: context.now.unix_us.saturating_add(duration_us),
            request_id: &context.request_id,
            trace_id: context.trace.map(|trace| trace.trace_id),
            method: self.method.as_str(),
            path: target.map_or("-", PathAndQuery::path).as_bytes(),
            query: target.and_then(|target| target.query()).map(str::as_bytes),
            route: Some(&context.route),
            status: self.told(),
            duration_us,
            bytes_in: self.watch.as_ref().map_or(0, Watch::received),
            bytes_out: self.bytes_out,
            client: context.client,
            certificate: context.peer.certificate.as_ref().map(|shown| (shown.subject(), shown.fingerprint())),
            principal: context.principal.as_ref().map(|principal| &*principal.id),
            signed_by: context.signed_by.as_deref(),
            guard: context.stopped_by,
            reported: &reported,
            drift: &drift,
            upstream_us: self.upstream_us,
            problem: context.problem,
            error: context.inside.as_deref(),
            user_agent: self.agent.as_ref().map(HeaderValue::as_bytes),
        });
    }

    /// Hands over the span of a sampled request; for all others there is nothing to make.
    fn trace(&self, duration_us: u64) {
        let Some(trace) = self.context.trace.filter(|trace| trace.sampled && self.core.spans.exported()) else {
            return;
        };
        let text = |text: &str| Attribute::Text(text.into());
        // A span's route is the path of the pattern; the method stands beside it.
        let route = self.context.route.rsplit(' ').next().unwrap_or_default();
        let status = self.told();
        let start_unix_us = self.context.now.unix_us;
        self.core.spans.hand(SpanRecord {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            parent_id: trace.parent_id,
            kind: Kind::Server,
            name: format!("{} {route}", self.method).into(),
            start_unix_us,
            end_unix_us: start_unix_us.saturating_add(duration_us),
            attributes: vec![
                ("http.request.method", text(self.method.as_str())),
                ("http.route", text(route)),
                ("url.path", text(self.target.as_ref().map_or("-", PathAndQuery::path))),
                ("http.response.status_code", Attribute::Integer(status.into())),
                ("client.address", text(&self.context.client.to_string())),
                ("seawall.request_id", text(self.context.request_id.as_str())),
            ],
            error: status >= 500,
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration_us = self.core.clock.monotonic_us().saturating_sub(self.context.now.monotonic_us);
        let site = Rc::clone(&self.site);
        if let Some(watch) = self.watch.as_ref().filter(|watch| watch.exceeded()) {
            self.context.body_bytes = Some(watch.received());
            site.router.route(self.route).policy.report_body(&mut self.context);
        }
        self.route().policy.finish(&End { sent: self.sent, status: self.status }, &self.context);
        self.log(duration_us);
        self.trace(duration_us);
        // The indices of an older site stand for other routes in this one.
        let route = self.core.serves(&self.site).then_some(self.route);
        self.core.meters.observe(route, &self.context.route, &self.method, self.told(), duration_us);
        self.core.meters.active.add(-1);
        self.activity.ended(self.over_at.unwrap_or_else(Instant::now));
    }
}
