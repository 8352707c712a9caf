//! How large the parts of a message may be.

/// How a line of a head may end. Lines of a chunked body always end with CR LF: a reader that is lenient there sees other
/// chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// With CR LF only.
    Strict,
    /// With LF alone too (RFC 9112 section 2.2 lets a recipient accept it).
    Tolerant,
}

/// The bounds of one direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head, from its first line to the empty line that ends it.
    pub head_bytes: usize,
    /// Bytes of a request line with its end. Of no meaning for responses.
    pub request_line_bytes: usize,
    /// Fields of a head, and of the trailers.
    pub fields: usize,
    /// Bytes of all chunk extensions of one body, so that a body of tiny chunks cannot hide a flood in them.
    pub chunk_extension_bytes: usize,
    /// Bytes of the trailers, with the empty line that ends them.
    pub trailer_bytes: usize,
    /// Interim answers (1xx) before the final one. Of no meaning for requests.
    pub interim_answers: u32,
    /// How the lines of a head may end.
    pub line_ends: LineEnds,
}

impl Limits {
    /// For what a client sends.
    #[must_use]
    pub const fn requests() -> Self {
        Self {
            head_bytes: 32 * 1024,
            // RFC 9112 section 3 recommends at least 8,000 octets.
            request_line_bytes: 8 * 1024,
            fields: 100,
            chunk_extension_bytes: 4 * 1024,
            trailer_bytes: 8 * 1024,
            interim_answers: 0,
            line_ends: LineEnds::Strict,
        }
    }

    /// For what the application sends. Some applications end lines with LF alone; every head is written anew for the
    /// client, so that nothing is lost by reading it.
    #[must_use]
    pub const fn responses() -> Self {
        Self { head_bytes: 64 * 1024, interim_answers: 16, line_ends: LineEnds::Tolerant, ..Self::requests() }
    }
}
