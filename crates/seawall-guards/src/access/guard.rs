//! The decision on whether whoever asks may.

use http::StatusCode;
use seawall_core::{
    authenticator::{NOT_SIGNED_IN, not_signed_in},
    problem::{Fault, Problem, ProblemType, Severity},
};

use super::Requirement;
use crate::{Context, Guard, Head, Verdict, authentication, problem::NOT_FOUND};

/// The principal lacks the role.
pub static NOT_ALLOWED: ProblemType = ProblemType {
    slug: "not-allowed",
    code: "FORBIDDEN",
    status: StatusCode::FORBIDDEN,
    title: "You may not do this",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "It is known who you are, and this is for people with a role that you do not have, or for keys with a scope that yours lacks. Signing in \
        again changes nothing; ask whoever gives roles, or make a key that holds for it.\n\nFor the operator: `seawall user roles NAME --add ROLE` gives one, and holds from the next request \
        on; which role a route requires is said by `require` in `[access]`.",
};

/// Lets in whoever a route is for.
#[derive(Debug)]
pub struct AccessGuard {
    require: Vec<Requirement>,
    hidden: bool,
}

impl AccessGuard {
    /// Lets in whoever meets one of these.
    #[must_use]
    pub const fn new(require: Vec<Requirement>, hidden: bool) -> Self {
        Self { require, hidden }
    }

    fn refused(&self, kind: &'static ProblemType) -> Problem {
        if self.hidden {
            return Problem::new(&NOT_FOUND).inside(kind.slug);
        }
        Problem::new(kind)
    }
}

impl Guard for AccessGuard {
    fn head(&self, _head: &mut Head, context: &mut Context) -> Verdict {
        let problem = match (&context.principal, context.unproven) {
            (Some(principal), _) if self.require.iter().any(|one| one.holds(principal)) => return Verdict::Pass,
            (Some(_), _) => self.refused(&NOT_ALLOWED),
            (None, Some(error)) => return Verdict::Refuse(authentication::unavailable(error)),
            (None, None) => {
                if self.hidden {
                    self.refused(&NOT_SIGNED_IN)
                } else {
                    not_signed_in()
                }
            }
        };
        Verdict::Refuse(Box::new(problem))
    }
}
