//! What the application sends.

use std::collections::VecDeque;

use super::{
    Checked, Limits, Progress, Refusal, Rule, Side,
    body::Body,
    chunks::Chunks,
    declared::Declared,
    field::{self, Known},
    lines::{Lines, Reach},
    progress::Fault,
    request_line::Version,
    status_line,
    stream::{After, Heads, Stream},
};

/// What a response answers, as far as it matters to where the response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseTo {
    /// HEAD: the answer has no body, whatever its fields say.
    Head,
    /// CONNECT: after a 2xx answer another protocol speaks.
    Connect,
    /// A request with `Upgrade`: after a 101 another protocol speaks.
    Upgrade,
    /// Any other request.
    Other,
}

/// Checks the bytes that the application sends on one connection.
#[derive(Debug)]
pub struct ResponseChecker(Stream<ResponseHeads>);

impl ResponseChecker {
    /// A checker for a connection on which nothing was asked yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Stream::new(ResponseHeads::default(), limits))
    }

    /// A request is about to be sent. Said before its first byte is written, in the order of the requests.
    pub fn expect(&mut self, to: ResponseTo) {
        self.0.heads.awaited.push_back(to);
    }

    /// Looks at all bytes that came and have not passed. Those that did not pass at the last look stand at the front.
    pub fn check(&mut self, held: &[u8]) -> Checked {
        self.0.check(held)
    }

    /// Whether the connection may end here: the application closed it. Whether an answer was still awaited is told by
    /// [`ResponseChecker::awaited`].
    ///
    /// # Errors
    /// A refusal with [`Rule::CutShort`] when an answer has begun and has not come whole; the earlier refusal when there was
    /// one.
    pub fn at_end(&self) -> Result<(), Refusal> {
        self.0.at_end()
    }

    /// Answers whose head has not come.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.0.heads.awaited.len()
    }

    /// Whether every answer that began has come whole.
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

/// The answers that are awaited, and the head that is being read.
#[derive(Debug, Default)]
struct ResponseHeads {
    awaited: VecDeque<ResponseTo>,
    /// Interim answers to the first request awaited.
    interim: u32,
    head: Head,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    lines: Lines,
    /// Known once the status line was right.
    start: Option<(Version, u16)>,
    fields: usize,
    declared: Declared,
}

impl Heads for ResponseHeads {
    const SIDE: Side = Side::Response;

    fn read(&mut self, held: &[u8], limits: &Limits) -> Result<Option<(usize, After)>, Fault> {
        if held.is_empty() {
            return Ok(None);
        }
        let awaited = self.awaited.front().copied().ok_or(Fault { rule: Rule::UnsolicitedBytes, at: 0 })?;
        let reach = Reach { bytes: limits.head_bytes, beyond: Rule::HeadTooLarge, ends: limits.line_ends };
        loop {
            let at = self.head.lines.start();
            let fault = |rule| Fault { rule, at };
            let Some(line) = self.head.lines.next(held, reach).map_err(fault)? else { return Ok(None) };
            match (self.head.start, line) {
                (None, line) => self.head.start = Some(status_line::check(line).map_err(fault)?),
                (Some((_, status)), []) => {
                    let head = std::mem::take(&mut self.head);
                    // The head as a whole is at fault here, not its last line.
                    let after = self.after(head.declared, status, awaited, limits);
                    return Ok(Some((head.lines.start(), after.map_err(|rule| Fault { rule, at: 0 })?)));
                }
                (Some((version, _)), line) => self.head.field(line, version, limits).map_err(fault)?,
            }
        }
    }
}

impl ResponseHeads {
    fn after(&mut self, declared: Declared, status: u16, awaited: ResponseTo, limits: &Limits) -> Result<After, Rule> {
        let bodiless = matches!(status, 100..200 | 204);
        // A length of zero says what is true. Widely used frameworks put it on every answer without content.
        if bodiless && !matches!(declared, Declared::Nothing | Declared::Length(0)) {
            return Err(Rule::FramingWithoutBody);
        }
        match (status, awaited) {
            (101, ResponseTo::Upgrade) => {}
            (101, _) => return Err(Rule::UnexpectedUpgrade),
            (100..200, _) if self.interim == limits.interim_answers => return Err(Rule::TooManyInterimAnswers),
            (100..200, _) => {
                self.interim += 1;
                return Ok(After::Head);
            }
            _ => {}
        }
        self.awaited.pop_front();
        self.interim = 0;
        Ok(match (status, awaited, declared) {
            (101, ..) | (200..300, ResponseTo::Connect, _) => After::Upgrade,
            (204 | 304, ..) | (_, ResponseTo::Head, _) | (_, _, Declared::Length(0)) => After::Head,
            (_, _, Declared::Length(length)) => After::Body(Body::Length(length)),
            (_, _, Declared::Chunks) => After::Body(Body::Chunks(Chunks::default())),
            (_, _, Declared::Nothing) => After::Body(Body::UntilClose),
        })
    }
}

impl Head {
    fn field(&mut self, line: &[u8], version: Version, limits: &Limits) -> Result<(), Rule> {
        self.fields += 1;
        if self.fields > limits.fields {
            return Err(Rule::TooManyFields);
        }
        match field::check(line)? {
            None | Some((Known::Host, _)) => Ok(()),
            Some((Known::ContentLength, value)) => self.declared.content_length(value),
            Some((Known::TransferEncoding, value)) => self.declared.transfer_encoding(value, version),
        }
    }
}
