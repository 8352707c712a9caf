//! The ways in which a stream of frames breaks the rules.

use super::CloseCode;

/// Why a connection must be closed. Each names the section of RFC 6455 that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit is set, though no extension was negotiated (5.2).
    #[error("a frame has a reserved bit set")]
    ReservedBits,
    /// An opcode from 3 to 7 or from 11 to 15 (5.2).
    #[error("a frame has a reserved opcode")]
    ReservedOpcode,
    /// A frame of the client that is not masked (5.1).
    #[error("a frame of the client is not masked")]
    Unmasked,
    /// A frame of the application that is masked (5.1).
    #[error("a frame of the application is masked")]
    Masked,
    /// A control frame that does not end its message (5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame with more than 125 bytes (5.5).
    #[error("a control frame holds more than 125 bytes")]
    ControlTooLong,
    /// A length of 64 bits whose highest bit is set (5.2).
    #[error("a frame's length has its highest bit set")]
    LengthOverflow,
    /// A length that is written with more bytes than it needs (5.2).
    #[error("a frame's length is not written in its shortest form")]
    LengthNotShortest,
    /// A continuation of nothing (5.4).
    #[error("a frame continues a message that was never started")]
    NothingToContinue,
    /// A data message inside another one (5.4).
    #[error("a message starts before the one before it has ended")]
    MessageInsideMessage,
    /// More bytes in a message than [`Limits::message_bytes`](super::Limits::message_bytes).
    #[error("a message is longer than the limit")]
    MessageTooBig,
    /// More frames in a message than [`Limits::frames_per_message`](super::Limits::frames_per_message).
    #[error("a message is cut into more frames than the limit")]
    TooManyFrames,
    /// A text message that is not UTF-8 (8.1).
    #[error("a text message is not valid UTF-8")]
    TextNotUtf8,
    /// A Close frame with one byte, which is no code (5.5.1).
    #[error("a close frame holds half a code")]
    CloseTooShort,
    /// A code that must not be sent (7.4).
    #[error("a close frame holds a code that must not be sent")]
    CloseCodeInvalid,
    /// A reason that is not UTF-8 (5.5.1).
    #[error("the reason in a close frame is not valid UTF-8")]
    CloseReasonNotUtf8,
}

impl Violation {
    /// The code to close the connection with (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::MessageTooBig | Self::TooManyFrames => CloseCode::TOO_BIG,
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 => CloseCode::INVALID_DATA,
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::Unmasked
            | Self::Masked
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::LengthOverflow
            | Self::LengthNotShortest
            | Self::NothingToContinue
            | Self::MessageInsideMessage
            | Self::CloseTooShort
            | Self::CloseCodeInvalid => CloseCode::PROTOCOL_ERROR,
        }
    }
}
