//! Why bytes are refused.

use std::fmt;

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A line of a head or of chunked framing ends with LF alone.
    BareLineFeed,
    /// A CR is not followed by LF.
    BareCarriageReturn,
    /// NUL, DEL or another control character, the tab apart.
    ControlCharacter,
    /// The request line is longer than the limit.
    RequestLineTooLong,
    /// A head is larger than the limit.
    HeadTooLarge,
    /// A head or the trailers have more fields than the limit.
    TooManyFields,
    /// More than one empty line before a request line.
    EmptyLines,
    /// A request line does not begin with a token and a space.
    InvalidMethod,
    /// Spaces other than the two of a request line.
    RequestLineSpaces,
    /// A request line of HTTP/0.9.
    MissingVersion,
    /// What stands in the place of the version is none.
    InvalidVersion,
    /// A version other than the two.
    UnsupportedVersion,
    /// The target is malformed.
    InvalidTarget,
    /// A `#` in the target.
    FragmentInTarget,
    /// `*` without OPTIONS, or CONNECT without host and port.
    TargetForm,
    /// A response begins with something else.
    InvalidStatusLine,
    /// A status outside of the five classes.
    InvalidStatus,
    /// A folded field, or white space before the first one.
    FoldedLine,
    /// White space before the colon.
    SpaceBeforeColon,
    /// A line that begins with a colon.
    EmptyFieldName,
    /// A field name with other characters.
    InvalidFieldName,
    /// A line of a head without a colon.
    MissingColon,
    /// Signs, lists, leading zeros, other bases, or more than 2^63 - 1.
    InvalidContentLength,
    /// Two fields, even when they agree.
    RepeatedContentLength,
    /// Two framings in one message.
    ContentLengthWithTransferEncoding,
    /// Parameters, quotes, emptiness, `chunked` twice or not last.
    InvalidTransferEncoding,
    /// A well-formed list with other codings.
    UnknownTransferCoding,
    /// Two fields, even when they agree.
    RepeatedTransferEncoding,
    /// HTTP/1.0 does not know it.
    TransferEncodingInOldVersion,
    /// An HTTP/1.1 request without Host.
    MissingHost,
    /// Two Host fields, even when they agree.
    RepeatedHost,
    /// A malformed host.
    InvalidHost,
    /// Signs, spaces, prefixes, more than 16 digits, or more than 2^63 - 1.
    InvalidChunkSize,
    /// An extension that is not a name with an optional value.
    InvalidChunkExtension,
    /// A size line, or all extensions of a body, are longer than the limit.
    ChunkLineTooLong,
    /// Something other than CR LF after a chunk's data.
    MissingChunkEnd,
    /// The trailers are larger than the limit.
    TrailersTooLarge,
    /// Content-Length, Transfer-Encoding or Host after the body.
    FramingFieldInTrailers,
    /// A length above zero or a Transfer-Encoding on 1xx or 204.
    FramingWithoutBody,
    /// More 1xx answers before the final one than the limit.
    TooManyInterimAnswers,
    /// A 101 for a request without Upgrade.
    UnexpectedUpgrade,
    /// Bytes after a complete answer, when nothing more was asked.
    UnsolicitedBytes,
    /// Fewer bytes than the framing announced.
    CutShort,
}

/// Which direction of an exchange was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What a client sends.
    Request,
    /// What the application sends.
    Response,
}

/// Bytes that must not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule that was broken.
    pub rule: Rule,
    /// By whom.
    pub side: Side,
    /// Where the broken line or body stands, in bytes from the start of the connection.
    pub offset: u64,
}

impl Refusal {
    /// The status to answer a client with. A fault of the application is always a bad gateway.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.side {
            Side::Request => self.rule.status(),
            Side::Response => 502,
        }
    }

    /// What the client is told. What the application did wrong is its operator's business, and stands in the log.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        match self.side {
            Side::Request => self.rule.detail(),
            Side::Response => "The application's answer is malformed.",
        }
    }
}

/// For the log.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Request => "request",
            Side::Response => "response",
        };
        write!(f, "{side} breaks {} at byte {} of its connection", self.rule.name(), self.offset)
    }
}

impl std::error::Error for Refusal {}

impl Rule {
    /// Every rule.
    pub const ALL: &[Self] = &[
        Self::BareLineFeed,
        Self::BareCarriageReturn,
        Self::ControlCharacter,
        Self::RequestLineTooLong,
        Self::HeadTooLarge,
        Self::TooManyFields,
        Self::EmptyLines,
        Self::InvalidMethod,
        Self::RequestLineSpaces,
        Self::MissingVersion,
        Self::InvalidVersion,
        Self::UnsupportedVersion,
        Self::InvalidTarget,
        Self::FragmentInTarget,
        Self::TargetForm,
        Self::InvalidStatusLine,
        Self::InvalidStatus,
        Self::FoldedLine,
        Self::SpaceBeforeColon,
        Self::EmptyFieldName,
        Self::InvalidFieldName,
        Self::MissingColon,
        Self::InvalidContentLength,
        Self::RepeatedContentLength,
        Self::ContentLengthWithTransferEncoding,
        Self::InvalidTransferEncoding,
        Self::UnknownTransferCoding,
        Self::RepeatedTransferEncoding,
        Self::TransferEncodingInOldVersion,
        Self::MissingHost,
        Self::RepeatedHost,
        Self::InvalidHost,
        Self::InvalidChunkSize,
        Self::InvalidChunkExtension,
        Self::ChunkLineTooLong,
        Self::MissingChunkEnd,
        Self::TrailersTooLarge,
        Self::FramingFieldInTrailers,
        Self::FramingWithoutBody,
        Self::TooManyInterimAnswers,
        Self::UnexpectedUpgrade,
        Self::UnsolicitedBytes,
        Self::CutShort,
    ];

    /// The rule's name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BareLineFeed => "bare_line_feed",
            Self::BareCarriageReturn => "bare_carriage_return",
            Self::ControlCharacter => "control_character",
            Self::RequestLineTooLong => "request_line_too_long",
            Self::HeadTooLarge => "head_too_large",
            Self::TooManyFields => "too_many_fields",
            Self::EmptyLines => "empty_lines",
            Self::InvalidMethod => "invalid_method",
            Self::RequestLineSpaces => "request_line_spaces",
            Self::MissingVersion => "missing_version",
            Self::InvalidVersion => "invalid_version",
            Self::UnsupportedVersion => "unsupported_version",
            Self::InvalidTarget => "invalid_target",
            Self::FragmentInTarget => "fragment_in_target",
            Self::TargetForm => "target_form",
            Self::InvalidStatusLine => "invalid_status_line",
            Self::InvalidStatus => "invalid_status",
            Self::FoldedLine => "folded_line",
            Self::SpaceBeforeColon => "space_before_colon",
            Self::EmptyFieldName => "empty_field_name",
            Self::InvalidFieldName => "invalid_field_name",
            Self::MissingColon => "missing_colon",
            Self::InvalidContentLength => "invalid_content_length",
            Self::RepeatedContentLength => "repeated_content_length",
            Self::ContentLengthWithTransferEncoding => "content_length_with_transfer_encoding",
            Self::InvalidTransferEncoding => "invalid_transfer_encoding",
            Self::UnknownTransferCoding => "unknown_transfer_coding",
            Self::RepeatedTransferEncoding => "repeated_transfer_encoding",
            Self::TransferEncodingInOldVersion => "transfer_encoding_in_old_version",
            Self::MissingHost => "missing_host",
            Self::RepeatedHost => "repeated_host",
            Self::InvalidHost => "invalid_host",
            Self::InvalidChunkSize => "invalid_chunk_size",
            Self::InvalidChunkExtension => "invalid_chunk_extension",
            Self::ChunkLineTooLong => "chunk_line_too_long",
            Self::MissingChunkEnd => "missing_chunk_end",
            Self::TrailersTooLarge => "trailers_too_large",
            Self::FramingFieldInTrailers => "framing_field_in_trailers",
            Self::FramingWithoutBody => "framing_without_body",
            Self::TooManyInterimAnswers => "too_many_interim_answers",
            Self::UnexpectedUpgrade => "unexpected_upgrade",
            Self::UnsolicitedBytes => "unsolicited_bytes",
            Self::CutShort => "cut_short",
        }
    }

    /// The status that answers a request which breaks the rule.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::RequestLineTooLong => 414,
            Self::HeadTooLarge | Self::TooManyFields | Self::TrailersTooLarge => 431,
            Self::UnknownTransferCoding => 501,
            Self::UnsupportedVersion => 505,
            _ => 400,
        }
    }

    /// The rule's breach, as a sentence.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::BareLineFeed => "A line ends with a line feed alone.",
            Self::BareCarriageReturn => "A carriage return stands outside a line end.",
            Self::ControlCharacter => "A control character stands in the head or in a trailer.",
            Self::RequestLineTooLong => "The request line is too long.",
            Self::HeadTooLarge => "The head is too large.",
            Self::TooManyFields => "There are too many fields.",
            Self::EmptyLines => "Empty lines stand before the request line.",
            Self::InvalidMethod => "The method is not a token.",
            Self::RequestLineSpaces => "The parts of the request line are not divided by one space each.",
            Self::MissingVersion => "The request line names no version.",
            Self::InvalidVersion => "The request line does not end with an HTTP version.",
            Self::UnsupportedVersion => "The version is neither HTTP/1.1 nor HTTP/1.0.",
            Self::InvalidTarget => "The request target holds a character that must be encoded, or is not a target.",
            Self::FragmentInTarget => "The request target holds a fragment.",
            Self::TargetForm => "The request target does not suit the method.",
            Self::InvalidStatusLine => "The first line is not a status line.",
            Self::InvalidStatus => "The status is not between 100 and 599.",
            Self::FoldedLine => "A line of a head begins with white space.",
            Self::SpaceBeforeColon => "White space stands between a field name and its colon.",
            Self::EmptyFieldName => "A field has no name.",
            Self::InvalidFieldName => "A field name is not a token.",
            Self::MissingColon => "A field has no colon.",
            Self::InvalidContentLength => "Content-Length is not one plain number.",
            Self::RepeatedContentLength => "There is more than one Content-Length.",
            Self::ContentLengthWithTransferEncoding => "Content-Length and Transfer-Encoding stand in one message.",
            Self::InvalidTransferEncoding => "Transfer-Encoding is malformed, or chunked is not its last coding.",
            Self::UnknownTransferCoding => "Transfer-Encoding names a coding other than chunked.",
            Self::RepeatedTransferEncoding => "There is more than one Transfer-Encoding.",
            Self::TransferEncodingInOldVersion => "Transfer-Encoding stands in an HTTP/1.0 message.",
            Self::MissingHost => "There is no Host.",
            Self::RepeatedHost => "There is more than one Host.",
            Self::InvalidHost => "Host is not a host name or an address with an optional port.",
            Self::InvalidChunkSize => "A chunk's size is not a plain hexadecimal number.",
            Self::InvalidChunkExtension => "A chunk extension is malformed.",
            Self::ChunkLineTooLong => "A chunk's size line is too long.",
            Self::MissingChunkEnd => "A chunk is not followed by a line end.",
            Self::TrailersTooLarge => "The trailers are too large.",
            Self::FramingFieldInTrailers => "A field of the head stands in the trailers.",
            Self::FramingWithoutBody => "A body is announced where the status allows none.",
            Self::TooManyInterimAnswers => "There are too many interim answers.",
            Self::UnexpectedUpgrade => "The protocol is switched though nobody asked for it.",
            Self::UnsolicitedBytes => "Bytes came that answer no request.",
            Self::CutShort => "The connection ended within a message.",
        }
    }
}
