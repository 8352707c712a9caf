//! The reader: takes a stream of frames apart, piece by piece, and lets nothing pass that breaks a rule.
//!
//! Data is passed on as it comes, without a copy; held back are at most a frame's header, or one control frame. After a
//! Close frame the sender has nothing more to say: whatever follows is dropped (RFC 6455 section 1.4).

use bytes::{Bytes, BytesMut};

use super::header::{Header, Opcode};
use super::text::{NotUtf8, Text, unmask};
use super::{CloseCode, Sender, Violation};

/// How much one message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes, summed over the frames of a message.
    pub message_bytes: u64,
    /// Frames, so that a message of empty frames ends too.
    pub frames_per_message: u32,
}

impl Default for Limits {
    /// 1 MiB (checklist WK-7) in at most 10,000 frames.
    fn default() -> Self {
        Self { message_bytes: 1_048_576, frames_per_message: 10_000 }
    }
}

/// A part of the stream that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of a data message: a frame, or a part of one.
    Data {
        /// The bytes as they came, to be passed on as they are. A frame's header comes with the start of its payload.
        wire: Bytes,
        /// Whether a message starts with this piece.
        starts_message: bool,
        /// Whether a message ends with this piece.
        ends_message: bool,
        /// How many of the bytes are payload.
        payload_bytes: u64,
    },
    /// A whole control frame: passed on, answered or swallowed by whoever reads.
    Control {
        /// What it is.
        kind: ControlKind,
        /// The frame as it came.
        wire: Bytes,
        /// The payload without its mask; for Close, the code and the reason.
        payload: Bytes,
    },
}

/// The control frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// To be answered with a Pong.
    Ping,
    /// The answer to a Ping, or a sign of life.
    Pong,
    /// The end of what its sender has to say.
    Close {
        /// Why; may be left out.
        code: Option<CloseCode>,
    },
}

/// Reads what one side sends. One reader for each direction of a connection.
#[derive(Clone, Debug)]
pub struct FrameReader {
    sender: Sender,
    limits: Limits,
    /// The data message whose end has not come.
    message: Option<Message>,
    /// The data frame whose end has not come. Invariant: never without a message.
    frame: Option<Frame>,
    closed: bool,
    /// What ended the stream.
    violation: Option<Violation>,
}

/// What is known of a data message before its end.
#[derive(Clone, Copy, Debug)]
struct Message {
    /// Only of a text message.
    text: Option<Text>,
    /// Payload bytes of the frames whose headers were read.
    payload_bytes: u64,
    frames: u32,
}

/// What is known of a data frame before its end.
#[derive(Clone, Copy, Debug)]
struct Frame {
    last: bool,
    /// Turned so that its first byte is for the next byte of the payload.
    key: [u8; 4],
    /// Payload bytes that have not come.
    left: u64,
}

impl FrameReader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new(sender: Sender, limits: Limits) -> Self {
        Self { sender, limits, message: None, frame: None, closed: false, violation: None }
    }

    /// Takes the next piece from the front of `input`, which holds what was read and not yet taken. Nothing when more bytes
    /// are needed.
    ///
    /// # Errors
    /// The [`Violation`] for which the connection must be closed. Every later call gives it again.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Violation> {
        if let Some(violation) = self.violation {
            return Err(violation);
        }
        let next = self.read(input);
        self.violation = next.as_ref().err().copied();
        next
    }

    /// Whether the bytes passed on so far end with a frame, so that a control frame of our own may follow. After a Close
    /// frame none may: see [`FrameReader::closed`].
    #[must_use]
    pub fn between_frames(&self) -> bool {
        self.frame.is_none()
    }

    /// Whether a Close frame was passed on.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.closed
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Violation> {
        if self.closed {
            input.clear();
            return Ok(None);
        }
        if let (Some(message), Some(frame)) = (self.message, self.frame) {
            return if input.is_empty() { Ok(None) } else { self.pass_data(message, frame, 0, input).map(Some) };
        }
        let Some(header) = Header::read(input, self.sender)? else { return Ok(None) };
        match header.opcode {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => self.start_frame(header, input),
            Opcode::Close | Opcode::Ping | Opcode::Pong => self.take_control(header, input),
        }
    }

    fn start_frame(&mut self, header: Header, input: &mut BytesMut) -> Result<Option<Piece>, Violation> {
        let message = self.message_with(header)?;
        if header.payload_bytes > 0 && input.len() == header.header_bytes {
            return Ok(None);
        }
        let frame = Frame { last: header.last, key: header.key, left: header.payload_bytes };
        self.pass_data(message, frame, header.header_bytes, input).map(Some)
    }

    /// The message that a data frame starts or continues, with that frame counted.
    fn message_with(&self, header: Header) -> Result<Message, Violation> {
        let mut message = match (header.opcode, self.message) {
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Continuation, None) => return Err(Violation::NothingToContinue),
            (_, Some(_)) => return Err(Violation::MessageInsideMessage),
            (opcode, None) => {
                let text = (opcode == Opcode::Text).then(Text::default);
                Message { text, payload_bytes: 0, frames: 0 }
            }
        };
        message.payload_bytes = message.payload_bytes.saturating_add(header.payload_bytes);
        message.frames = message.frames.saturating_add(1);
        if message.payload_bytes > self.limits.message_bytes {
            return Err(Violation::MessageTooBig);
        }
        if message.frames > self.limits.frames_per_message {
            return Err(Violation::TooManyFrames);
        }
        Ok(message)
    }

    /// Passes on what there is of a frame: `header_bytes`, and as much of its payload as has come.
    fn pass_data(
        &mut self,
        mut message: Message,
        mut frame: Frame,
        header_bytes: usize,
        input: &mut BytesMut,
    ) -> Result<Piece, Violation> {
        let left = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let end = header_bytes.saturating_add(left).min(input.len());
        let payload = input.get(header_bytes..end).unwrap_or_default();
        let payload_bytes = payload.len() as u64;
        frame.left -= payload_bytes;
        let ends_message = frame.last && frame.left == 0;
        if let Some(text) = &mut message.text {
            text.read(payload, frame.key).map_err(|NotUtf8| Violation::TextNotUtf8)?;
            if ends_message && !text.complete() {
                return Err(Violation::TextNotUtf8);
            }
        }
        frame.key.rotate_left(payload.len() % 4);
        let starts_message = self.message.is_none();
        self.message = (!ends_message).then_some(message);
        self.frame = (frame.left > 0).then_some(frame);
        Ok(Piece::Data { wire: input.split_to(end).freeze(), starts_message, ends_message, payload_bytes })
    }

    fn take_control(&mut self, header: Header, input: &mut BytesMut) -> Result<Option<Piece>, Violation> {
        let payload_bytes = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        let end = header.header_bytes.saturating_add(payload_bytes);
        let Some(masked) = input.get(header.header_bytes..end) else { return Ok(None) };
        let mut payload = BytesMut::zeroed(masked.len());
        unmask(masked, header.key, &mut payload);
        let kind = match header.opcode {
            Opcode::Close => ControlKind::Close { code: close_code(&payload)? },
            Opcode::Ping => ControlKind::Ping,
            _ => ControlKind::Pong,
        };
        self.closed = matches!(kind, ControlKind::Close { .. });
        Ok(Some(Piece::Control { kind, wire: input.split_to(end).freeze(), payload: payload.freeze() }))
    }
}

/// The code in a Close frame, whose reason must be UTF-8 (RFC 6455 section 5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, Violation> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk().ok_or(Violation::CloseTooShort)?;
    let code = CloseCode::parse(u16::from_be_bytes(*code)).ok_or(Violation::CloseCodeInvalid)?;
    std::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
    Ok(Some(code))
}

#[cfg(test)]
mod tests;
