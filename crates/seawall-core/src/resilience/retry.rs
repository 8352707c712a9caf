//! Which failed attempt may be tried again: a request must never be carried out twice against its meaning.

use http::Method;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte of the request left and its body was not read: the connection could not be made, or had ended already.
    NothingSent,
    /// The request was sent at least in part, and the connection ended before an answer.
    Broken,
    /// The request was sent, and the service says that it has not looked at it (RFC 9113 section 8.7).
    Unprocessed,
    /// The deadline passed. It is shared by all attempts, so there is no time for another.
    TimedOut,
    /// The service answered with this status.
    Status(u16),
}

/// Whether the request carries an idempotency key, by which the service carries it out once however often it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// It carries one.
    Yes,
    /// It does not.
    No,
}

/// Whether the body can be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// There is none, or all of it is still held.
    Possible,
    /// It streamed past.
    Impossible,
}

/// What is known of a request whose attempt failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// Whether it carries an idempotency key.
    pub keyed: Keyed,
    /// Whether its body can be sent again.
    pub body: Replay,
    /// Attempts made so far, the failed one included.
    pub made: u32,
}

/// What an operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// Attempts in all, the first included. Zero counts as one.
    pub attempts: u32,
    /// Statuses that are tried again.
    pub statuses: Vec<u16>,
}

impl Default for RetryRules {
    /// Checklist WK-5: 3 attempts. No status is tried again.
    fn default() -> Self {
        Self { attempts: 3, statuses: Vec::new() }
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again.
    Again,
    /// Answer with the failure.
    GiveUp,
}

impl RetryRules {
    /// Whether the failed attempt may be followed by another.
    #[must_use]
    pub fn decide(&self, attempt: &Attempt<'_>, failure: Failure) -> Decision {
        let safe = match failure {
            Failure::NothingSent => true,
            Failure::Unprocessed => attempt.body == Replay::Possible,
            Failure::Broken => attempt.repeatable(),
            Failure::Status(status) => self.statuses.contains(&status) && attempt.repeatable(),
            Failure::TimedOut => false,
        };
        if safe && attempt.made < self.attempts { Decision::Again } else { Decision::GiveUp }
    }
}

impl Attempt<'_> {
    fn repeatable(&self) -> bool {
        self.body == Replay::Possible && (self.keyed == Keyed::Yes || idempotent(self.method))
    }
}

/// RFC 9110 section 9.2.2. Listed here, so that a method the `http` crate learns later is looked at before it is repeated.
fn idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE].contains(method)
}

#[cfg(test)]
mod tests;
