//! WebSocket connections (RFC 6455) as a proxy between client and application sees them: bytes in, pieces out.
//!
//! Both sides are held to the letter: what a lenient peer would let pass is where two readers of one stream differ. No
//! extension is ever negotiated, so a frame means what its header says and a text can be checked as it passes.

mod close_code;
mod header;
mod own;
mod reader;
mod text;
mod violation;

pub mod handshake;

pub use close_code::CloseCode;
pub use own::{close, ping, pong};
pub use reader::{ControlKind, FrameReader, Limits, Piece};
pub use violation::Violation;

/// Who sent the bytes that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Its frames must be masked, each with a key of its own (RFC 6455 section 5.3).
    Client,
    /// Its frames must not be masked.
    Application,
}

/// A control frame's payload is at most this long (RFC 6455 section 5.5).
const CONTROL_BYTES: usize = 125;
