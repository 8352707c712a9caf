//! Why an answer could not be read, with everything that had arrived until then.

use std::fmt;
use std::time::Duration;

use super::response::RawResponse;
use super::wire::WireError;

/// An answer that did not arrive whole.
#[derive(Clone, Debug)]
pub struct ReadFailure {
    /// What happened.
    pub kind: FailureKind,
    /// The head and the part of the body that arrived, once the head was whole.
    pub partial: Option<RawResponse>,
    /// The number of bytes received since the request was written, and the first 2 KiB of them, escaped.
    pub received: String,
}

/// What ended the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The answer was not whole within this limit.
    TimedOut(Duration),
    /// The server closed cleanly (FIN) before the end of the answer.
    Closed,
    /// The server reset the connection (RST).
    Reset,
    /// The answer breaks HTTP/1.1; the text says where.
    Malformed(String),
    /// Another error of the socket.
    Io(String),
}

impl From<WireError> for FailureKind {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Closed => Self::Closed,
            WireError::Reset => Self::Reset,
            WireError::Malformed(what) => Self::Malformed(what),
            WireError::Io(error) => Self::Io(error.to_string()),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => write!(formatter, "not complete within {limit:?}"),
            Self::Closed => write!(formatter, "the server closed the connection"),
            Self::Reset => write!(formatter, "the server reset the connection"),
            Self::Malformed(what) => write!(formatter, "malformed: {what}"),
            Self::Io(error) => write!(formatter, "the socket failed: {error}"),
        }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; received so far: {}", self.kind, self.received)
    }
}
