//! What the guard tells the exchange of one request, and what it is told in turn.

use std::{borrow::Cow, time::Duration};

use http::{HeaderValue, Method};
use seawall_core::http::Strength;

/// What of a request the exchange has to wait for, and what the answer is compared with.
#[derive(Debug, Default)]
pub struct Conditional {
    /// What the client has, when the answer may be compared with it.
    pub(super) has: Option<Has>,
    /// The application's current state is asked for before the request is sent on.
    pub check: Option<Box<Check>>,
    /// Requests that are alike share one answer.
    pub alike: Option<Box<Alike>>,
}

/// What a client says it has.
#[derive(Debug)]
pub(super) struct Has {
    /// The lines of `If-None-Match`; none when it has nothing.
    pub(super) lines: Vec<HeaderValue>,
    /// The method, because what answers HEAD has no body of which a tag could be made.
    pub(super) method: Method,
}

/// A request that is held against the current state of what it changes.
#[derive(Debug)]
pub struct Check {
    /// Whether it is held up for it, and goes on without what only Seawall knows; otherwise it is only said what would come of it.
    pub enforces: bool,
    /// How long it waits for those who change the same resource.
    pub wait: Duration,
    /// The longest representation that is read, in bytes.
    pub most_bytes: u64,
    /// How a tag is made of a state that has none; nothing when none is.
    pub tags: Option<Strength>,
    /// What the client knows.
    pub(super) condition: Condition,
}

/// What a client says it knows of a resource.
#[derive(Debug)]
pub(super) enum Condition {
    /// It has one of these states: the lines of `If-Match`.
    Has(Vec<HeaderValue>),
    /// There is none yet: `If-None-Match: *`.
    Nothing,
}

/// A GET that may share its answer.
#[derive(Debug)]
pub struct Alike {
    /// The same for requests that are alike, and for no others.
    pub key: [u8; 32],
    /// How long one waits for another's answer.
    pub wait: Duration,
    /// The longest answer that is shared, in bytes.
    pub most_bytes: u64,
}

/// What was found of a resource before a request that changes it is sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// It has this tag.
    Tagged(HeaderValue),
    /// There is no such resource.
    Absent,
    /// It could not be found out, for this reason.
    Unknown(Cow<'static, str>),
    /// Somebody else was changing it for too long.
    Taken,
}
