//! Rendering: problem+json for programs, a page for people.

use bytes::Bytes;
use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER},
};
use seawall_core::problem::{Problem, json};

use super::page;
use crate::Context;

/// How problems are rendered; prepared when configuration loads.
#[derive(Clone, Debug)]
pub struct Pages {
    /// What stands before a slug in a type URI.
    base: String,
    /// Whether the client sees what happened inside: in development only.
    detail: bool,
}

impl Pages {
    /// Problems whose pages are served under `prefix`; `detail` shows the inside message.
    #[must_use]
    pub fn new(prefix: &str, detail: bool) -> Self {
        Self { base: format!("{prefix}/problems/"), detail }
    }

    /// The answer for a problem; notes it in the context for the log.
    pub fn render(&self, problem: &Problem, context: &mut Context) -> Response<Bytes> {
        context.note(problem);
        let (kind, body) = if context.wants_page {
            ("text/html; charset=utf-8", page::html(problem, context.request_id.as_str(), self.inside(problem)))
        } else {
            ("application/problem+json", json(problem, &self.base, context.request_id.as_str(), self.detail))
        };
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = problem.status();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if context.wants_page {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
        }
        if let Some(seconds) = problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in &problem.headers {
            headers.insert(name, value.clone());
        }
        answer
    }

    fn inside<'a>(&self, problem: &'a Problem) -> Option<&'a str> {
        problem.inside.as_deref().filter(|_| self.detail)
    }
}
