//! Attempts that gave no answer: what that says of the server, and what the client is told.

use seawall_core::{
    problem::{Fault, Problem},
    resilience::Failure,
};
use seawall_guards::{Policy, Stop, Watch, strict_http};

use super::{
    Exchange,
    upload::{ClientFault, Upload, Waiting},
};
use crate::{
    edge::{SendFailure, Unprocessed},
    problems::{BAD_GATEWAY, BREAKER_OPEN, REQUEST_TIMEOUT, TIMED_OUT, UPSTREAM_BUSY},
    upstream::{AllFail, Over},
};

/// An attempt that gave no answer.
pub(super) struct Failed {
    /// How it failed; nothing when trying again makes no sense.
    pub(super) failure: Option<Failure>,
    /// What it says of the server.
    pub(super) blame: Blame,
    /// What the client is told when there is no further attempt.
    pub(super) problem: Box<Problem>,
}

/// What a failed attempt says of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// It failed.
    Server,
    /// It could not even be reached.
    Unreachable,
    /// Nothing: it said that it did not look at the request.
    Declined,
    /// Nothing: the client failed, or there was no place for a connection.
    Nobody,
}

impl Exchange {
    /// Counts what the application failed.
    pub(super) fn failed(&self, problem: Box<Problem>) -> Box<Problem> {
        if problem.kind.fault == Fault::Upstream {
            self.core.meters.upstream_failed(problem.kind.slug);
        }
        problem
    }

    /// What a failed exchange with the application means, over what it went.
    pub(super) fn broken(
        &mut self,
        policy: &Policy,
        failure: &SendFailure,
        over: Over,
        upload: &Upload,
    ) -> Box<Problem> {
        if let Some(problem) = self.failed_by_client(policy, upload) {
            return problem;
        }
        let inside = match failure {
            // What the server says first in HTTP/2 alone may come before the request is sent, and ends the connection as well.
            SendFailure::NothingSent(_) if over == Over::Http1 => {
                "the application closed each connection before it took the upgrade, which needs HTTP/1.1".to_owned()
            }
            SendFailure::NothingSent(_) => {
                "the application closed each connection before it took the request".to_owned()
            }
            SendFailure::Unprocessed(how) => {
                let inside = match how {
                    Unprocessed::Refused => "the application declined the request unseen (REFUSED_STREAM)",
                    Unprocessed::Leaving => {
                        "the application ended the connection without looking at the request (GOAWAY)"
                    }
                };
                return Box::new(Problem::new(&UPSTREAM_BUSY).inside(inside).retry_after(1));
            }
            SendFailure::Reset(error) | SendFailure::Broken(error) => {
                format!("the exchange with the application failed: {}", chain(error))
            }
            SendFailure::Invalid(why) => format!("the exchange with the application failed: {why}"),
        };
        Box::new(Problem::new(&BAD_GATEWAY).inside(inside))
    }
}

impl Exchange {
    /// How the client failed its own body, when it did: it is too large, breaks off its framing, or its sender left.
    pub(super) fn failed_by_client(&mut self, policy: &Policy, upload: &Upload) -> Option<Box<Problem>> {
        if self.watch.as_ref().is_some_and(Watch::exceeded)
            && let Some(Stop::Refused(problem)) = policy.body_exceeded(&mut self.context)
        {
            return Some(problem);
        }
        Some(self.broken_by_client(upload.fault()?))
    }

    /// How the client broke off its own body.
    pub(super) fn broken_by_client(&mut self, fault: ClientFault) -> Box<Problem> {
        let problem = Problem::new(&strict_http::INVALID_REQUEST).close();
        Box::new(match fault {
            ClientFault::Malformed(Some(refusal)) => problem.detail(refusal.detail()).inside(refusal.to_string()),
            ClientFault::Malformed(None) => problem.detail("The request's body breaks off its framing."),
            ClientFault::Left => {
                self.client_left = true;
                problem.inside("the client left in the middle of its body")
            }
        })
    }
}

/// An upgrade was asked of a server that does not speak HTTP/1.1. It works all the same, and would say so again.
pub(super) fn no_upgrade(inside: &str) -> Failed {
    let inside =
        format!("an upgrade, such as to a WebSocket, needs HTTP/1.1, which the application does not speak: {inside}");
    Failed { failure: None, blame: Blame::Nobody, problem: Box::new(Problem::new(&BAD_GATEWAY).inside(inside)) }
}

/// Whose fault it is that no answer came in time: of whoever is waited for at the end. A client that dawdles over its body for
/// as long as a request may take must not make the server look as if it failed.
pub(super) fn timed_out(upload: &Upload) -> Box<Problem> {
    if upload.state().0 == Waiting::Client {
        return Box::new(Problem::new(&REQUEST_TIMEOUT).close());
    }
    let problem = Problem::new(&TIMED_OUT).inside("no answer came in time");
    Box::new(if upload.done() { problem } else { problem.close() })
}

pub(super) fn all_fail(all: AllFail) -> Box<Problem> {
    // Rounded up, so that whoever comes back then is not too early.
    let seconds = all.retry_after.as_secs() + u64::from(all.retry_after.subsec_nanos() > 0);
    Box::new(Problem::new(&BREAKER_OPEN).retry_after(seconds.max(1)))
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
