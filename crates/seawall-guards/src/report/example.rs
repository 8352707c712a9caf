//! One request that would have been refused, with nothing in it that the request log would hide.

use http::{Method, uri::PathAndQuery};
use seawall_core::redact;

use super::refusal::Refusal;

/// Examples of one row: the first ones stay, the others give way to later ones.
const FIRST: usize = 2;
const MOST: usize = 5;
/// How soon one of the later ones may give way, so that a flood makes no more than one a second.
const APART_US: u64 = 1_000_000;
/// The most characters of a path with its query, and of what is said of it.
const LONGEST: usize = 256;

/// One request that would have been refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// When it came, in microseconds since 1970-01-01T00:00:00Z.
    pub at_unix_us: u64,
    /// Its method.
    pub method: Box<str>,
    /// Its path and query, secrets hidden, cut where it is long.
    pub path: Box<str>,
    /// What it would have been answered with; of a socket, the code that it would have been closed with.
    pub status: u16,
    /// What was wrong this time.
    pub detail: Option<Box<str>>,
    /// Who asked.
    pub caller: Box<str>,
}

impl Example {
    fn new(refusal: &Refusal<'_>) -> Self {
        let (method, target) = refusal.asked.map_or(("-", None), |(method, target)| (method.as_str(), target.as_ref()));
        Self {
            at_unix_us: refusal.at_unix_us,
            method: shown(method),
            path: target.map_or_else(|| "-".into(), path),
            status: refusal.status,
            detail: refusal.detail.map(|detail| shown(&redact::text(detail))),
            caller: refusal.caller.into(),
        }
    }
}

/// What a policy keeps of a request for its examples.
pub(crate) type Asked = (Method, Option<PathAndQuery>);

/// The examples of one row.
#[derive(Debug, Default)]
pub(super) struct Examples(Vec<Example>);

impl Examples {
    pub(super) fn add(&mut self, refusal: &Refusal<'_>) {
        if self.0.len() >= MOST {
            let latest_us = self.0.last().map_or(0, |example| example.at_unix_us);
            if refusal.at_unix_us < latest_us.saturating_add(APART_US) {
                return;
            }
            self.0.remove(FIRST);
        }
        self.0.push(Example::new(refusal));
    }

    pub(super) fn all(&self) -> Vec<Example> {
        self.0.clone()
    }
}

fn path(target: &PathAndQuery) -> Box<str> {
    let mut out = target.path().to_owned();
    if let Some(query) = target.query() {
        out.push('?');
        redact::query(query, &mut out);
    }
    shown(&out)
}

/// As it may stand on a terminal: no control characters, and not too long.
fn shown(text: &str) -> Box<str> {
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out.into()
}
