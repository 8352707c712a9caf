//! What a route says of idempotency keys, and what follows from it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header::AUTHORIZATION};
use seawall_core::{
    http::ClientKey,
    idempotency::{Answered, Caller, Claim, Ending, Fate, Key, Lease, Settled, StoredAnswer, Unknown, fate},
    problem::Problem,
    reply::PortError,
    settings::{BadSetting, Values},
};

use super::{
    config::{HEADER, MAX_ANSWER, METHODS, REQUIRED, TTL, UNKNOWN as WHEN_UNKNOWN, WHEN_UNAVAILABLE, WhenUnavailable},
    problems::{FULL, IN_FLIGHT, INVALID, MISSING, NOT_KEPT, REUSED, UNAVAILABLE, UNKNOWN},
};
use crate::{Context, Head};

/// The field of an answer that is given again.
pub static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest and shortest that a caller is asked to wait, in seconds.
const WAIT_S: (u64, u64) = (1, 30);

/// What a route says.
#[derive(Debug)]
pub struct Rules {
    methods: Vec<Method>,
    required: bool,
    header: HeaderName,
    ttl_us: u64,
    max_answer: usize,
    unknown: Unknown,
    when_unavailable: WhenUnavailable,
}

/// What a request asks for.
#[derive(Debug)]
pub enum Asked {
    /// Nothing: it passes.
    Nothing,
    /// To be carried out once for this key.
    Once(Key),
    /// It cannot be understood.
    Refused(Box<Problem>),
}

/// What happens to a request with a key.
#[derive(Debug)]
pub enum Step {
    /// It is sent on, and what comes of it is settled.
    Send(Lease),
    /// It is sent on unprotected, because the store does not answer and the route says so.
    SendUnprotected,
    /// It was carried out before, and this is the answer.
    Answer(Box<Response<Bytes>>),
    /// It is refused.
    Refuse(Box<Problem>),
}

impl Rules {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when a method or the field's name is none.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let bad = |key, what: &str| BadSetting { key, reason: format!("\"{what}\" is not a name that can stand here") };
        let methods = values.get(&METHODS)?.into_iter();
        let header = values.get(&HEADER)?;
        Ok(Self {
            methods: methods
                .map(|name| name.parse().map_err(|_| bad(METHODS.key(), &name)))
                .collect::<Result<_, _>>()?,
            required: values.get(&REQUIRED)?,
            header: header.parse().map_err(|_| bad(HEADER.key(), &header))?,
            ttl_us: values.get(&TTL)?.us(),
            max_answer: usize::try_from(values.get(&MAX_ANSWER)?.bytes()).unwrap_or(usize::MAX),
            unknown: values.get(&WHEN_UNKNOWN)?.0,
            when_unavailable: values.get(&WHEN_UNAVAILABLE)?,
        })
    }

    /// What a request asks for, by its head alone. A request without a key costs a look at its method and its fields.
    #[must_use]
    pub fn asked(&self, head: &Head) -> Asked {
        if !self.methods.contains(&head.method) {
            return Asked::Nothing;
        }
        match Key::of(&head.headers, &self.header) {
            Ok(Some(key)) => Asked::Once(key),
            Ok(None) if self.required => {
                let problem = Problem::new(&MISSING);
                Asked::Refused(Box::new(problem.detail(format!("Send a key of your own in `{}`.", self.header))))
            }
            Ok(None) => Asked::Nothing,
            Err(bad) => Asked::Refused(Box::new(Problem::new(&INVALID).detail(bad.to_string()))),
        }
    }

    /// The field that holds the key.
    #[must_use]
    pub const fn header(&self) -> &HeaderName {
        &self.header
    }

    /// How long keys are kept, in microseconds.
    #[must_use]
    pub const fn ttl_us(&self) -> u64 {
        self.ttl_us
    }

    /// The largest answer that is kept, in bytes. Of a longer body no more has to be held.
    #[must_use]
    pub const fn max_answer(&self) -> usize {
        self.max_answer
    }

    /// What happens when the outcome of an earlier attempt is unknown.
    #[must_use]
    pub const fn unknown(&self) -> Unknown {
        self.unknown
    }

    /// What happens to a request whose key was claimed.
    #[must_use]
    pub fn decide(&self, claim: Result<Claim, PortError>) -> Step {
        let problem = match claim {
            Ok(Claim::Fresh(lease)) => return Step::Send(lease),
            Ok(Claim::Replay(answer)) => return Step::Answer(Box::new(replay(answer))),
            Ok(Claim::InFlight { for_us }) => {
                // As long as it has taken already: whoever asks again and again asks ever more seldom.
                Problem::new(&IN_FLIGHT).retry_after((for_us / 1_000_000).clamp(WAIT_S.0, WAIT_S.1))
            }
            Ok(Claim::NotKept(status)) => {
                Problem::new(&NOT_KEPT).detail(format!("It was answered with status {}.", status.as_u16()))
            }
            Ok(Claim::Mismatch) => Problem::new(&REUSED),
            Ok(Claim::Unknown) => Problem::new(&UNKNOWN),
            Err(PortError::Full) => Problem::new(&FULL).retry_after(WAIT_S.1),
            Err(_) if self.when_unavailable == WhenUnavailable::Open => return Step::SendUnprotected,
            Err(error) => Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(WAIT_S.0),
        };
        Step::Refuse(Box::new(problem))
    }

    /// What is kept of an answer that the application gave; its body when it is whole and no larger than [`Rules::max_answer`].
    #[must_use]
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap, body: Option<Bytes>) -> Ending {
        match (fate(status), body) {
            (Fate::Release, _) => Ending::Released,
            (Fate::Abandon, _) => Ending::Abandoned,
            (Fate::Keep, Some(body)) => Ending::Completed(Answered::of(status, headers, body, self.max_answer)),
            (Fate::Keep, None) => Ending::Completed(Answered::NotKept(status)),
        }
    }

    /// What takes the answer's place when it could not be kept; nothing when the client gets it. An answer that is not kept may not be
    /// seen: its client would take for settled what the next attempt would be told is unknown.
    #[must_use]
    pub fn settled(&self, settled: Result<Settled, PortError>) -> Option<Box<Problem>> {
        match settled {
            Ok(Settled::Kept) => None,
            // Another attempt has been sent on meanwhile, and its answer is the one that counts.
            Ok(Settled::TooLate) => Some(Box::new(Problem::new(&UNKNOWN).inside("another attempt took over"))),
            Err(_) if self.when_unavailable == WhenUnavailable::Open => None,
            Err(error) => Some(Box::new(Problem::new(&UNAVAILABLE).inside(error.to_string()).retry_after(WAIT_S.0))),
        }
    }
}

/// Whose key it is: whoever was found by a credential, else whoever shows what only the application reads, the same `Authorization` and
/// the same certificate, else whoever asks from the same address.
#[must_use]
pub fn caller(head: &Head, context: &Context) -> Caller {
    let credential = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let certificate = context.peer.certificate.as_ref().filter(|certificate| certificate.told());
    match (&context.principal, certificate, credential) {
        (Some(principal), ..) => Caller::principal(principal),
        (None, Some(certificate), credential) => Caller::certificate(certificate, credential),
        (None, None, Some(credential)) => Caller::credential(credential),
        (None, None, None) => Caller::address(ClientKey::of(context.client)),
    }
}

/// What is kept of an attempt that the application did not answer: when no byte of it was sent, nothing.
#[must_use]
pub const fn unanswered(sent: bool) -> Ending {
    if sent { Ending::Abandoned } else { Ending::Released }
}

fn replay(answer: StoredAnswer) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    response
}
