//! The port to whoever remembers keys and answers.

use std::fmt;

use http::StatusCode;

use super::{Answered, Fingerprint, Key, Lease, Scope, StoredAnswer, Unknown};
use crate::{clock::Now, reply::Reply};

/// When something is asked, and until when an answer is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The time of asking. A store that several processes share goes by a clock of its own.
    pub now: Now,
    /// When the answer is of no more use, as monotonic microseconds.
    pub deadline_us: u64,
}

/// One attempt, before it is sent on.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'a> {
    /// Where the key holds.
    pub scope: Scope<'a>,
    /// The key.
    pub key: &'a Key,
    /// The request.
    pub fingerprint: &'a Fingerprint,
    /// How long the key and its answer are kept, in microseconds.
    pub ttl_us: u64,
    /// How long the exchange may take, in microseconds: when a lease is older than this, whoever has it will not settle it any more.
    pub lease_us: u64,
    /// What happens when the outcome of an earlier attempt is unknown.
    pub unknown: Unknown,
    /// When it came.
    pub when: When,
}

/// What an attempt comes to.
#[derive(Debug)]
pub enum Claim {
    /// It is to be carried out, and settled.
    Fresh(Lease),
    /// Another attempt is being carried out, since so many microseconds.
    InFlight {
        /// How long it has been.
        for_us: u64,
    },
    /// It was carried out, and this was the answer.
    Replay(StoredAnswer),
    /// It was carried out, and the answer, of this status, was too large to be kept.
    NotKept(StatusCode),
    /// The key was used for another request.
    Mismatch,
    /// Nobody knows whether an earlier attempt was carried out.
    Unknown,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was answered.
    Completed(Answered),
    /// Nothing was carried out: the same key may be used again.
    Released,
    /// It was sent on, and what came of it is not known.
    Abandoned,
}

/// Whether an ending was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was, durably, as far as the store is durable.
    Kept,
    /// The lease had been taken over or forgotten: the attempt was, or will be, carried out a second time. Nothing was changed.
    TooLate,
}

/// Remembers which requests were carried out, and what was answered.
///
/// An attempt to which [`Claim::Fresh`] was answered is remembered before that answer: durably, where the store is durable.
/// [`PortError::Full`](crate::reply::PortError::Full) says that the caller has as many keys, or as much of answers, as one may.
pub trait IdempotencyStore: fmt::Debug + Send + Sync {
    /// Claims the right to carry a request out, or tells what is known of it.
    fn begin(&self, begin: &Begin<'_>) -> Reply<Claim>;

    /// Keeps what came of an attempt. After an error nobody knows whether that was kept; it may be tried again with the same lease.
    fn settle(&self, lease: &Lease, ending: Ending, when: When) -> Reply<Settled>;

    /// The same, where nobody waits for it: it is kept soon, of an answer its status at least. What is lost on the way is unknown when
    /// the lease ends.
    fn give_up(&self, lease: &Lease, ending: Ending, when: When);
}
