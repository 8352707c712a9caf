//! What a client sends.

use super::{
    Checked, Limits, Progress, Refusal, Rule, Side,
    body::Body,
    chunks::Chunks,
    declared::Declared,
    field::{self, Known},
    host,
    lines::{Lines, Reach},
    progress::Fault,
    request_line::{self, Version},
    stream::{After, Heads, Stream},
};

/// Empty lines before a request line: old clients send one after a body (RFC 9112 section 2.2).
const MOST_EMPTY_LINES: u8 = 1;

/// Checks the bytes that a client sends on one connection.
///
/// A request for an upgrade changes nothing: what follows is the next request, until [`RequestChecker::upgraded`].
///
/// ```
/// # use seawall_core::http::framing::{Limits, Outcome, RequestChecker, Rule};
/// let mut checker = RequestChecker::new(Limits::requests());
/// let mut buffer = b"GET / HTTP/1.1\r\nHo".to_vec();
/// assert_eq!(checker.check(&buffer).passed, 0, "nothing of a head passes before all of it");
///
/// buffer.extend_from_slice(b"st: a\r\n\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\n");
/// let checked = checker.check(&buffer);
/// let passed: Vec<u8> = buffer.drain(..checked.passed).collect();
/// assert_eq!(passed, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
/// assert!(matches!(checked.outcome, Outcome::Refuse(refusal) if refusal.rule == Rule::SpaceBeforeColon));
/// ```
#[derive(Debug)]
pub struct RequestChecker(Stream<RequestHeads>);

impl RequestChecker {
    /// A checker for a connection that begins.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Stream::new(RequestHeads::default(), limits))
    }

    /// Looks at all bytes that came and have not passed. Those that did not pass at the last look stand at the front.
    pub fn check(&mut self, held: &[u8]) -> Checked {
        self.0.check(held)
    }

    /// Whether the connection may end here: the client closed it.
    ///
    /// # Errors
    /// A refusal with [`Rule::CutShort`] when a request has begun and has not come whole; the earlier refusal when there was
    /// one.
    pub fn at_end(&self) -> Result<(), Refusal> {
        self.0.at_end()
    }

    /// The application has switched protocols: everything that comes passes. Said before the client can know of the switch,
    /// so that no byte of the new protocol is taken for a request. Changes nothing after a refusal.
    pub fn upgraded(&mut self) {
        self.0.upgraded();
    }

    /// Whether every request has come whole and no byte of a next one was seen.
    #[must_use]
    pub const fn between_messages(&self) -> bool {
        self.0.between_messages()
    }

    /// How far the connection has come.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.0.progress()
    }
}

/// The head of a request that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct RequestHeads {
    lines: Lines,
    empty_lines: u8,
    /// Known once the request line was right.
    version: Option<Version>,
    fields: usize,
    host: bool,
    declared: Declared,
}

impl Heads for RequestHeads {
    const SIDE: Side = Side::Request;

    fn read(&mut self, held: &[u8], limits: &Limits) -> Result<Option<(usize, After)>, Fault> {
        loop {
            let at = self.lines.start();
            let fault = |rule| Fault { rule, at };
            let Some(line) = self.lines.next(held, self.reach(limits)).map_err(fault)? else { return Ok(None) };
            match (self.version, line) {
                (None, []) if self.empty_lines == MOST_EMPTY_LINES => return Err(fault(Rule::EmptyLines)),
                (None, []) => self.empty_lines += 1,
                (None, line) => self.version = Some(request_line::check(line).map_err(fault)?),
                (Some(version), []) => {
                    if version == Version::Current && !self.host {
                        return Err(fault(Rule::MissingHost));
                    }
                    let head = std::mem::take(self);
                    return Ok(Some((head.lines.start(), head.after())));
                }
                (Some(version), line) => self.field(line, version, limits).map_err(fault)?,
            }
        }
    }
}

impl RequestHeads {
    fn reach(&self, limits: &Limits) -> Reach {
        let of_line = self.lines.start().saturating_add(limits.request_line_bytes);
        let (bytes, beyond) = if self.version.is_none() && of_line < limits.head_bytes {
            (of_line, Rule::RequestLineTooLong)
        } else {
            (limits.head_bytes, Rule::HeadTooLarge)
        };
        Reach { bytes, beyond, ends: limits.line_ends }
    }

    fn field(&mut self, line: &[u8], version: Version, limits: &Limits) -> Result<(), Rule> {
        self.fields += 1;
        if self.fields > limits.fields {
            return Err(Rule::TooManyFields);
        }
        match field::check(line)? {
            None => Ok(()),
            Some((Known::ContentLength, value)) => self.declared.content_length(value),
            Some((Known::TransferEncoding, value)) => self.declared.transfer_encoding(value, version),
            Some((Known::Host, _)) if self.host => Err(Rule::RepeatedHost),
            Some((Known::Host, value)) => {
                self.host = true;
                host::split(value).map(|_| ()).ok_or(Rule::InvalidHost)
            }
        }
    }

    /// A request without a declared length has no body (RFC 9112 section 6.3).
    fn after(&self) -> After {
        match self.declared {
            Declared::Nothing | Declared::Length(0) => After::Head,
            Declared::Length(length) => After::Body(Body::Length(length)),
            Declared::Chunks => After::Body(Body::Chunks(Chunks::default())),
        }
    }
}
