//! The facts of one request that guards read and write.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::ACCEPT};
use seawall_core::{
    certificate::ClientCertificate,
    clock::Now,
    http::TraceContext,
    principal::Principal,
    problem::{Problem, ProblemType},
    reply::PortError,
    request_id::RequestId,
    settings::Secret,
};

use crate::{
    compression::Compression,
    conditional::Conditional,
    cors::Granted,
    idempotency::Attempt,
    json::Tree,
    rate_limit::Charged,
    report::Asked,
    schema::{Operation, Promised, Told},
    signatures::Pending,
};

/// Who is at the other end of the socket; made once per connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address, IPv4-mapped addresses as IPv4.
    pub address: IpAddr,
    /// The address as a header value, prepared.
    pub text: HeaderValue,
    /// Whether its connection to us is encrypted.
    pub secure: bool,
    /// The certificate that it showed, once it was verified.
    pub certificate: Option<Arc<ClientCertificate>>,
}

impl Peer {
    /// The peer at this address.
    #[must_use]
    pub fn new(address: IpAddr, secure: bool) -> Self {
        let address = address.to_canonical();
        let text = HeaderValue::from_str(&address.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self { address, text, secure, certificate: None }
    }

    /// The same, which showed this certificate.
    #[must_use]
    pub fn showing(self, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { certificate, ..self }
    }
}

/// Random bytes of one request, so that ids need no generator of their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seed(pub [u64; 5]);

impl Seed {
    /// The bytes for a request id.
    #[must_use]
    pub fn request_id(self) -> [u8; 10] {
        let [first, second, ..] = self.0;
        let ([a, b, c, d, e, f, g, h], [i, j, ..]) = (first.to_ne_bytes(), second.to_ne_bytes());
        [a, b, c, d, e, f, g, h, i, j]
    }

    /// The bytes for a trace id and a span id.
    #[must_use]
    pub fn trace(self) -> (u128, u64) {
        let [.., high, low, span] = self.0;
        (u128::from(high) << 64 | u128::from(low), span)
    }
}

/// The facts of one request. Guards write what later stages need; the request log reads it at the end.
#[derive(Debug)]
pub struct Context {
    /// When the request's head was complete.
    pub now: Now,
    /// When the whole exchange must be over, as monotonic microseconds; `u64::MAX` when it has no limit.
    pub deadline_us: u64,
    /// The other end of the socket.
    pub peer: Arc<Peer>,
    /// Whether the peer is a trusted proxy.
    pub peer_trusted: bool,
    /// Who the request is from, once a credential was verified.
    pub principal: Option<Arc<Principal>>,
    /// Why it could not be found out whose the credential is that it came with.
    pub unproven: Option<PortError>,
    /// Whether the credential that it came with, good or not, stood in a cookie.
    pub by_cookie: bool,
    /// The refresh token that came in a cookie.
    pub refresh: Option<Secret>,
    /// Cookies that the answer gives, because the credential was refreshed on the way.
    pub cookies: Vec<HeaderValue>,
    /// The client's address: the peer's, or what trusted proxies say.
    pub client: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub secure: bool,
    /// Randomness of this request.
    pub seed: Seed,
    /// The request's id.
    pub request_id: RequestId,
    /// The id as a header value, once it is given.
    pub request_id_value: Option<HeaderValue>,
    /// Its place in a trace, once it is known.
    pub trace: Option<TraceContext>,
    /// Whether the client would rather see a page than JSON.
    pub wants_page: bool,
    /// The place of the API's version among those of its guard.
    pub version: Option<usize>,
    /// What is left to see of a request whose head is signed as it must be.
    pub(crate) signature: Option<Box<Pending>>,
    /// The name of the key that signed the request, once all of it was verified.
    pub signed_by: Option<Arc<str>>,
    /// The pattern of the route, for logs and metrics.
    pub route: Arc<str>,
    /// What the rate limit charged to the client's address.
    pub charged: Option<Charged>,
    /// What it charged to whoever asks, when that is what the answer tells of.
    pub charged_to: Option<Charged>,
    /// What CORS grants the caller.
    pub granted: Granted,
    /// How the answer is compressed.
    pub compression: Compression,
    /// What of a request the exchange waits for, and what its answer is compared with.
    pub conditional: Conditional,
    /// The guard that refused or answered.
    pub stopped_by: Option<&'static str>,
    /// The guards that would have refused, as bits of their place in the policy.
    pub reported: u32,
    /// The guards whose `head` passed, as bits of their place in the policy.
    pub(super) entered: u32,
    /// Those whose `head` would have stopped the request and did not, because they only report.
    pub(super) admitted: u32,
    /// What was asked for, when a guard only reports.
    pub(crate) asked: Option<Box<Asked>>,
    /// Bytes of the body that came, once it is known that they were too many.
    pub body_bytes: Option<u64>,
    /// The problem answered with.
    pub problem: Option<&'static ProblemType>,
    /// What was read of a JSON body, when a guard wants it.
    pub json: Option<Tree>,
    /// The room that this takes of the memory for bodies, given back when it is dropped.
    pub held: Option<Box<dyn fmt::Debug + Send>>,
    /// What a document promises of the answer, when that is compared.
    pub(crate) promised: Option<Promised>,
    /// In what the answer differs from the document, as far as it is known.
    pub drift: Told,
    /// What is sent on in place of the body that came.
    pub body: Option<Bytes>,
    /// The operation of the application's document that it is for, once its head was compared with that.
    pub(crate) described: Option<Arc<Operation>>,
    /// The idempotency key under which it is carried out, until what came of it is settled.
    pub attempt: Option<Box<Attempt>>,
    /// What happened, for the log.
    pub inside: Option<Cow<'static, str>>,
}

impl Context {
    /// The facts known when a request's head has been read.
    #[must_use]
    pub fn new(peer: impl Into<Arc<Peer>>, headers: &HeaderMap, now: Now, seed: Seed, route: Arc<str>) -> Self {
        let peer = peer.into();
        Self {
            now,
            deadline_us: u64::MAX,
            client: peer.address,
            secure: peer.secure,
            peer,
            peer_trusted: false,
            principal: None,
            unproven: None,
            by_cookie: false,
            refresh: None,
            cookies: Vec::new(),
            seed,
            request_id: RequestId::generate(now.unix_us, seed.request_id()),
            request_id_value: None,
            trace: None,
            wants_page: wants_page(headers),
            version: None,
            signature: None,
            signed_by: None,
            route,
            charged: None,
            charged_to: None,
            granted: Granted::Nothing,
            compression: Compression::default(),
            conditional: Conditional::default(),
            stopped_by: None,
            reported: 0,
            entered: 0,
            admitted: 0,
            asked: None,
            body_bytes: None,
            problem: None,
            json: None,
            held: None,
            promised: None,
            drift: Told::default(),
            described: None,
            attempt: None,
            body: None,
            inside: None,
        }
    }

    /// Keeps what the log says of a problem.
    pub fn note(&mut self, problem: &Problem) {
        self.problem = Some(problem.kind);
        self.inside = problem.inside.clone().or_else(|| problem.detail.clone());
    }
}

/// Whether the caller is a browser that navigates: it names `text/html` before any JSON.
fn wants_page(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    match (accept.find("text/html"), accept.find("json")) {
        (Some(page), Some(json)) => page < json,
        (page, None) => page.is_some(),
        (None, Some(_)) => false,
    }
}

/// The context of a request from this machine, for tests.
#[cfg(test)]
pub(crate) fn sample_context() -> Context {
    let now = Now { monotonic_us: 1_000_000, unix_us: 1_800_000_000_000_000 };
    let peer = Peer::new(IpAddr::from([127, 0, 0, 1]), false);
    Context::new(peer, &HeaderMap::new(), now, Seed([1, 2, 3, 4, 5]), "*".into())
}
