//! What one line of the request log says.

use std::net::IpAddr;

use seawall_core::{
    problem::{ProblemType, Severity},
    redact,
    request_id::RequestId,
};
use tracing::Level;

use crate::line::CUT;

/// One finished exchange. Values are as they came: redaction, escaping and cutting happen when the line is written.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When the exchange ended, in microseconds since 1970.
    pub ended_unix_us: u64,
    /// The request's id.
    pub request_id: &'a RequestId,
    /// The trace's id, when the request belongs to one.
    pub trace_id: Option<u128>,
    /// The method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a [u8],
    /// The query, without its question mark.
    pub query: Option<&'a [u8]>,
    /// The pattern of the route that matched.
    pub route: Option<&'a str>,
    /// The status that was answered.
    pub status: u16,
    /// From the first byte of the request to the end of the answer, in microseconds.
    pub duration_us: u64,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// The client's address.
    pub client: IpAddr,
    /// Whose certificate the client showed, and its SHA-256, when it showed one.
    pub certificate: Option<(Option<&'a str>, &'a str)>,
    /// Who the request is from, when that is known.
    pub principal: Option<&'a str>,
    /// The key that signed the request, when one was asked for.
    pub signed_by: Option<&'a str>,
    /// The guard that answered, when one did.
    pub guard: Option<&'a str>,
    /// The guards in report mode that would have refused.
    pub reported: &'a [&'static str],
    /// In which parts the application's answer differs from its document.
    pub drift: &'a [&'static str],
    /// The time the upstream took, in microseconds, when it was asked.
    pub upstream_us: Option<u64>,
    /// The problem that was answered.
    pub problem: Option<&'static ProblemType>,
    /// What happened, for the log.
    pub error: Option<&'a str>,
    /// The header `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
}

/// The most bytes of a path, and of a query, that are logged.
pub(super) const LONGEST_PATH: usize = 2_048;
/// The most bytes of an error.
pub(super) const LONGEST_ERROR: usize = 1_024;
/// The most bytes of a route, a principal or a user agent.
pub(super) const LONGEST_TEXT: usize = 256;
/// The most bytes of the name in a certificate; none is longer.
pub(super) const LONGEST_SUBJECT: usize = 1_024;
/// The most bytes of a name: a method, a guard, a problem.
pub(super) const LONGEST_NAME: usize = 64;

/// The most names of reporting guards in one line.
pub(super) const MOST_REPORTED: usize = 16;

/// The most parts of an answer that are named as different: its status, its headers and its body.
pub(super) const MOST_DRIFT: usize = 3;

/// More bytes than any line has, when each byte of each value above is escaped to six.
pub(super) const LONGEST_LINE: usize = 56 * 1_024;

impl Entry<'_> {
    /// The level of the line; see the module.
    pub(super) fn level(&self) -> Level {
        match self.problem {
            Some(problem) if problem.severity == Severity::Critical => Level::ERROR,
            Some(_) if self.status >= 500 => Level::WARN,
            _ => Level::INFO,
        }
    }

    /// The query with its secret values hidden, cut to the longest, in `scratch`. A name stands before its value, so
    /// that cutting first shows nothing that was hidden.
    pub(super) fn redacted_query<'s>(&self, scratch: &'s mut String) -> Option<&'s str> {
        let query = self.query.filter(|query| !query.is_empty())?;
        let kept = query.get(..LONGEST_PATH).unwrap_or(query);
        scratch.clear();
        redact::query(&String::from_utf8_lossy(kept), scratch);
        if kept.len() < query.len() {
            scratch.push_str(CUT);
        }
        Some(scratch)
    }
}
