//! The decision on whether whoever asks may.

use http::{Method, StatusCode, header::LOCATION};
use seawall_core::{
    authenticator::{
        CONFIRM_YOUR_IDENTITY, NOT_SIGNED_IN, SECOND_FACTOR_REQUIRED, confirm_your_identity, not_signed_in,
    },
    clock::Now,
    onward::SignInPages,
    principal::Principal,
    problem::{Fault, Problem, ProblemType, Severity},
};

use super::{Requirement, requirement::Lack};
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
    pages: Option<SignInPages>,
}

impl AccessGuard {
    /// Lets in whoever meets one of these.
    #[must_use]
    pub const fn new(require: Vec<Requirement>, hidden: bool) -> Self {
        Self { require, hidden, pages: None }
    }

    /// Sends browsers to these pages, where they can show what is missing. A hidden route says nothing of itself by that either.
    #[must_use]
    pub fn with_pages(self, pages: Option<SignInPages>) -> Self {
        let pages = pages.filter(|_| !self.hidden);
        Self { pages, ..self }
    }

    fn refused(&self, kind: &'static ProblemType) -> Problem {
        if self.hidden {
            return Problem::new(&NOT_FOUND).inside(kind.slug);
        }
        Problem::new(kind)
    }

    /// The same refusal for a browser that can show what is missing on a page: it is sent there, and comes back.
    fn onward(&self, problem: Problem, head: &Head, context: &Context) -> Problem {
        let Some(pages) = &self.pages else { return problem };
        if !context.wants_page || !matches!(head.method, Method::GET | Method::HEAD) {
            return problem;
        }
        let (page, parameters, back) = match problem.kind.slug {
            slug if slug == NOT_SIGNED_IN.slug => (&pages.sign_in, &[][..], pages.back),
            slug if slug == CONFIRM_YOUR_IDENTITY.slug => (&pages.confirm, &[][..], "next"),
            slug if slug == SECOND_FACTOR_REQUIRED.slug => (&pages.confirm, &[("need", "second-factor")][..], "next"),
            _ => return problem,
        };
        let location = SignInPages::location(page, parameters, back, &head.uri);
        match location {
            Some(location) => Problem::new(problem.kind).with_status(StatusCode::SEE_OTHER).header(LOCATION, location),
            None => problem,
        }
    }
}

/// What a principal is told that meets none of these; nothing when it meets one. Whoever can do something about it is told what.
#[must_use]
pub fn short_of(require: &[Requirement], principal: &Principal, now: Now) -> Option<Problem> {
    let mut least = Lack::Right;
    for one in require {
        least = one.lacks(principal, now)?.min(least);
    }
    Some(match least {
        Lack::Proof(within_s) => confirm_your_identity(within_s),
        Lack::SecondFactor => Problem::new(&SECOND_FACTOR_REQUIRED),
        Lack::Right => Problem::new(&NOT_ALLOWED),
    })
}

impl Guard for AccessGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let problem = match (&context.principal, context.unproven) {
            (Some(principal), _) => match short_of(&self.require, principal, context.now) {
                None => return Verdict::Pass,
                Some(problem) if self.hidden => self.refused(problem.kind),
                Some(problem) => problem,
            },
            (None, Some(error)) => return Verdict::Refuse(authentication::unavailable(error)),
            (None, None) => {
                if self.hidden {
                    self.refused(&NOT_SIGNED_IN)
                } else {
                    not_signed_in()
                }
            }
        };
        Verdict::Refuse(Box::new(self.onward(problem, head, context)))
    }
}
