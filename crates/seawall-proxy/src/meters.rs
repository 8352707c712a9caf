//! The data plane's metrics, under OpenTelemetry's HTTP names where it has one.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use http::Method;
use seawall_core::{
    http::framing::{Refusal, Side},
    meter::{Handle, Meter, Metric, MetricKind},
};

use crate::{
    site::RouteIndex,
    tls::{CERTIFICATE_EXPIRES, HANDSHAKES, RELOADS},
};

static DURATION: Metric = Metric {
    name: "http_server_request_duration_seconds",
    help: "Time from a request's head to the end of its answer.",
    kind: MetricKind::Histogram {
        bounds: &[
            1_000, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000,
            5_000_000, 7_500_000, 10_000_000,
        ],
        scale: 1_000_000,
    },
    labels: &["http_request_method", "http_route", "http_response_status_code"],
};
static ACTIVE: Metric =
    Metric { name: "http_server_active_requests", help: "Requests in flight.", kind: MetricKind::Gauge, labels: &[] };
static CONNECTIONS: Metric =
    Metric { name: "seawall_connections", help: "Open client connections.", kind: MetricKind::Gauge, labels: &[] };
static ACCEPTED: Metric = Metric {
    name: "seawall_connections_accepted",
    help: "Client connections accepted.",
    kind: MetricKind::Counter,
    labels: &[],
};
static REFUSED: Metric = Metric {
    name: "seawall_connections_refused",
    help: "Client connections closed at once because the most were open (full), or the most from their address (address).",
    kind: MetricKind::Counter,
    labels: &["reason"],
};
static EXPIRED: Metric = Metric {
    name: "seawall_connections_expired",
    help: "Client connections closed because they stayed silent, a request's head took too long, or an answer was not taken, or because their client broke HTTP/2 or gave up, or sent for nothing, more than its budget (abusive).",
    kind: MetricKind::Counter,
    labels: &["reason"],
};
static HTTP_REFUSED: Metric = Metric {
    name: "seawall_http_refused",
    help: "HTTP/1 connections ended because bytes on them broke a rule of HTTP: a client's request, or the application's response.",
    kind: MetricKind::Counter,
    labels: &["rule", "side"],
};
static ANNOUNCED: Metric = Metric {
    name: "seawall_proxy_headers",
    help: "Connections that had to begin with a PROXY header, by outcome: client, local (the proxy's own), or ended because the peer is untrusted, the header was refused, or none came (silent).",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};
static TUNNELS: Metric = Metric {
    name: "seawall_sockets",
    help: "Open WebSockets and other upgraded connections.",
    kind: MetricKind::Gauge,
    labels: &[],
};
static SOCKET_ENDS: Metric = Metric {
    name: "seawall_sockets_ended",
    help: "WebSockets that ended, by who or what ended them.",
    kind: MetricKind::Counter,
    labels: &["reason"],
};
static SOCKET_REPORTS: Metric = Metric {
    name: "seawall_sockets_reported",
    help: "WebSockets that would have been closed for a broken rule, and were only reported.",
    kind: MetricKind::Counter,
    labels: &[],
};
static UPSTREAM_CONNECTIONS: Metric = Metric {
    name: "seawall_upstream_connections_opened",
    help: "Connections made to the application.",
    kind: MetricKind::Counter,
    labels: &[],
};
static UPSTREAM_FAILURES: Metric = Metric {
    name: "seawall_upstream_failures",
    help: "Requests the application could not answer, by problem.",
    kind: MetricKind::Counter,
    labels: &["problem"],
};
static RETRIES: Metric = Metric {
    name: "seawall_upstream_retries",
    help: "Attempts to send a request again, because an idle connection had died or a server failed it.",
    kind: MetricKind::Counter,
    labels: &[],
};

static COALESCED: Metric = Metric {
    name: "seawall_coalesced_requests",
    help: "GETs that waited for the answer to one like them, and had it (shared), or went to the application themselves because it was none to share or took too long (alone).",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

static BODY_BYTES: Metric = Metric {
    name: "seawall_bodies_held_bytes",
    help: "Bytes of bodies in memory: of requests that guards look at before the application gets them, of answers that are held, shared or compared, and of what the guards make of them meanwhile.",
    kind: MetricKind::Gauge,
    labels: &[],
};

static COMPRESSION: Metric = Metric {
    name: "seawall_compression_bytes",
    help: "Bytes of answers before they were compressed (in) and after (out).",
    kind: MetricKind::Counter,
    labels: &["direction"],
};

pub(crate) static BREAKER_STATE: Metric = Metric {
    name: "seawall_upstream_breaker_state",
    help: "Whether a server of the upstream gets requests: 0 all (closed), 1 single ones to try it (half-open), 2 none (open).",
    kind: MetricKind::Gauge,
    labels: &["server"],
};
pub(crate) static BREAKER_OPENED: Metric = Metric {
    name: "seawall_upstream_breaker_opened",
    help: "How often a server of the upstream failed so often that it got no requests for a while.",
    kind: MetricKind::Counter,
    labels: &["server"],
};
pub(crate) static SERVER_UP: Metric = Metric {
    name: "seawall_upstream_up",
    help: "Whether a server of the upstream passes its checks.",
    kind: MetricKind::Gauge,
    labels: &["server"],
};

/// Every metric of this crate, for the catalogue.
pub static METRICS: [&Metric; 23] = [
    &DURATION,
    &ACTIVE,
    &CONNECTIONS,
    &ACCEPTED,
    &REFUSED,
    &EXPIRED,
    &HTTP_REFUSED,
    &ANNOUNCED,
    &HANDSHAKES,
    &RELOADS,
    &CERTIFICATE_EXPIRES,
    &TUNNELS,
    &BODY_BYTES,
    &SOCKET_ENDS,
    &SOCKET_REPORTS,
    &UPSTREAM_CONNECTIONS,
    &UPSTREAM_FAILURES,
    &RETRIES,
    &COALESCED,
    &COMPRESSION,
    &BREAKER_STATE,
    &BREAKER_OPENED,
    &SERVER_UP,
];

/// The handles of one core.
#[derive(Debug)]
pub(crate) struct Meters {
    meter: Arc<dyn Meter>,
    durations: RefCell<BTreeMap<(RouteIndex, u8, u16), Handle>>,
    pub(crate) active: Handle,
    pub(crate) connections: Handle,
    pub(crate) accepted: Handle,
    pub(crate) refused_full: Handle,
    pub(crate) refused_address: Handle,
    pub(crate) silent: Handle,
    pub(crate) slow_head: Handle,
    pub(crate) idle: Handle,
    pub(crate) slow_reader: Handle,
    pub(crate) announced: Announced,
    pub(crate) handshakes: Handshakes,
    pub(crate) abusive: Handle,
    pub(crate) tunnels: Handle,
    pub(crate) body_bytes: Handle,
    pub(crate) upstream_connections: Handle,
    pub(crate) retries: Handle,
    pub(crate) coalesced: Handle,
    pub(crate) coalesced_in_vain: Handle,
    pub(crate) sockets_reported: Handle,
    pub(crate) compression_in: Handle,
    pub(crate) compression_out: Handle,
    socket_ends: [Handle; SocketEnd::ALL.len()],
    upstream_failures: RefCell<BTreeMap<&'static str, Handle>>,
    pub(crate) refusals: Refusals,
}

/// Counts bytes that were refused. Apart from the other handles, because connections to the application outlive requests.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    meter: Arc<dyn Meter>,
    /// By rule and side; kept, because whoever breaks rules does so on each connection.
    counted: Rc<RefCell<BTreeMap<(&'static str, &'static str), Handle>>>,
}

impl Refusals {
    /// Counts what ended a connection.
    pub(crate) fn count(&self, refusal: Refusal) {
        let side = match refusal.side {
            Side::Request => "request",
            Side::Response => "response",
        };
        let rule = refusal.rule.name();
        let resolve = || self.meter.series(&HTTP_REFUSED, &[rule, side]);
        self.counted.borrow_mut().entry((rule, side)).or_insert_with(resolve).increment();
    }
}

/// Who or what ended a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketEnd {
    /// The client, by a close or by leaving.
    Client,
    /// The application, in the same way.
    Application,
    /// The client broke a rule of the protocol.
    ClientProtocol,
    /// The application did.
    ApplicationProtocol,
    /// The client's message was too big.
    TooBig,
    /// More came than may in the time.
    TooFast,
    /// The client gave no sign of life.
    Silent,
    /// Neither side said anything.
    Idle,
    /// The server drains.
    Drained,
    /// Whoever opened it may not have it any more.
    Revoked,
    /// So said the time.
    Expired,
}

impl SocketEnd {
    /// In the order above.
    const ALL: [Self; 11] = [
        Self::Client,
        Self::Application,
        Self::ClientProtocol,
        Self::ApplicationProtocol,
        Self::TooBig,
        Self::TooFast,
        Self::Silent,
        Self::Idle,
        Self::Drained,
        Self::Revoked,
        Self::Expired,
    ];

    /// The word in metrics and logs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Application => "application",
            Self::ClientProtocol => "client_protocol",
            Self::ApplicationProtocol => "application_protocol",
            Self::TooBig => "too_big",
            Self::TooFast => "too_fast",
            Self::Silent => "silent",
            Self::Idle => "idle",
            Self::Drained => "drained",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// Connections that a proxy announces, by outcome.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) client: Handle,
    pub(crate) local: Handle,
    pub(crate) untrusted: Handle,
    pub(crate) refused: Handle,
    pub(crate) silent: Handle,
}

impl Announced {
    fn new(meter: &dyn Meter) -> Self {
        let outcome = |outcome| meter.series(&ANNOUNCED, &[outcome]);
        Self {
            client: outcome("client"),
            local: outcome("local"),
            untrusted: outcome("untrusted"),
            refused: outcome("refused"),
            silent: outcome("silent"),
        }
    }
}

/// Handshakes by outcome.
#[derive(Debug)]
pub(crate) struct Handshakes {
    pub(crate) full: Handle,
    pub(crate) resumed: Handle,
    pub(crate) failed: Handle,
    pub(crate) timed_out: Handle,
    pub(crate) plain_http: Handle,
    pub(crate) not_tls: Handle,
}

impl Handshakes {
    fn new(meter: &dyn Meter) -> Self {
        let outcome = |outcome| meter.series(&HANDSHAKES, &[outcome]);
        Self {
            full: outcome("full"),
            resumed: outcome("resumed"),
            failed: outcome("failed"),
            timed_out: outcome("timed_out"),
            plain_http: outcome("plain_http"),
            not_tls: outcome("not_tls"),
        }
    }
}

impl Meters {
    pub(crate) fn new(meter: Arc<dyn Meter>) -> Self {
        let one = |metric| meter.series(metric, &[]);
        let expired = |reason| meter.series(&EXPIRED, &[reason]);
        Self {
            durations: RefCell::default(),
            active: one(&ACTIVE),
            connections: one(&CONNECTIONS),
            accepted: one(&ACCEPTED),
            refused_full: meter.series(&REFUSED, &["full"]),
            refused_address: meter.series(&REFUSED, &["address"]),
            silent: expired("silent"),
            slow_head: expired("slow_head"),
            idle: expired("idle"),
            slow_reader: expired("slow_reader"),
            announced: Announced::new(&*meter),
            handshakes: Handshakes::new(&*meter),
            abusive: expired("abusive"),
            tunnels: one(&TUNNELS),
            body_bytes: one(&BODY_BYTES),
            upstream_connections: one(&UPSTREAM_CONNECTIONS),
            retries: one(&RETRIES),
            coalesced: meter.series(&COALESCED, &["shared"]),
            coalesced_in_vain: meter.series(&COALESCED, &["alone"]),
            sockets_reported: one(&SOCKET_REPORTS),
            compression_in: meter.series(&COMPRESSION, &["in"]),
            compression_out: meter.series(&COMPRESSION, &["out"]),
            socket_ends: SocketEnd::ALL.map(|end| meter.series(&SOCKET_ENDS, &[end.word()])),
            upstream_failures: RefCell::default(),
            refusals: Refusals { meter: Arc::clone(&meter), counted: Rc::default() },
            meter,
        }
    }

    /// Observes one exchange. `index` tells routes apart on this core, as long as it serves the same ones; without it, the
    /// handle is looked up and not kept. `route` is the pattern.
    pub(crate) fn observe(
        &self,
        index: Option<RouteIndex>,
        route: &str,
        method: &Method,
        status: u16,
        duration_us: u64,
    ) {
        let (method_place, method) = method_label(method);
        let resolve = || self.meter.series(&DURATION, &[method, route, itoa::Buffer::new().format(status)]);
        let Some(index) = index else { return resolve().observe(duration_us) };
        let mut durations = self.durations.borrow_mut();
        durations.entry((index, method_place, status)).or_insert_with(resolve).observe(duration_us);
    }

    /// Counts a request the application could not answer.
    pub(crate) fn upstream_failed(&self, problem: &'static str) {
        let resolve = || self.meter.series(&UPSTREAM_FAILURES, &[problem]);
        self.upstream_failures.borrow_mut().entry(problem).or_insert_with(resolve).increment();
    }

    /// Counts the end of a WebSocket.
    pub(crate) fn socket_ended(&self, end: SocketEnd) {
        if let Some(ends) = self.socket_ends.get(end as usize) {
            ends.increment();
        }
    }

    /// Forgets the handles of routes; their indices have changed.
    pub(crate) fn forget_routes(&self) {
        self.durations.borrow_mut().clear();
    }
}

/// The method as a label: the known ones, and `_OTHER` for all else (OpenTelemetry HTTP semantic conventions).
fn method_label(method: &Method) -> (u8, &'static str) {
    match *method {
        Method::GET => (0, "GET"),
        Method::HEAD => (1, "HEAD"),
        Method::POST => (2, "POST"),
        Method::PUT => (3, "PUT"),
        Method::PATCH => (4, "PATCH"),
        Method::DELETE => (5, "DELETE"),
        Method::OPTIONS => (6, "OPTIONS"),
        _ => (7, "_OTHER"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_a_socket_has_its_place() {
        let places: Vec<usize> = SocketEnd::ALL.iter().map(|&end| end as usize).collect();
        assert_eq!(places, (0..SocketEnd::ALL.len()).collect::<Vec<_>>());
    }
}
