//! Where HTTP/1 messages begin and end, checked on the bytes before any other reader sees them (RFC 9112).
//!
//! Two readers that disagree on where a message ends see two different requests, and one of them can be smuggled past a
//! guard. An HTTP library decides such cases on its own: it drops a `Content-Length` beside a `Transfer-Encoding`, or takes a
//! bare line feed for a line end. The checkers here pass only what has one reading, and follow each body to its last byte.
//!
//! No header map is built and nothing is copied: the caller keeps the bytes in one buffer, shows it to `check`, and drops
//! the bytes that passed from its front. Bytes that did not pass are shown again, at the front, with those that came after;
//! the checker remembers how far it has looked, so that each byte is searched once however it arrives.
//!
//! Invariant: no byte of a head is passed before the whole head was found right. The same holds for each chunk-size line and
//! for the trailers as a whole. Body bytes pass at once.
//!
//! | file | the idea |
//! |---|---|
//! | `request`, `response` | the two checkers: what their heads must be |
//! | `stream` | one message after another, which both share |
//! | `lines` | lines out of bytes that arrive in pieces |
//! | `request_line`, `target`, `host`, `status_line` | how a message begins |
//! | `field`, `declared` | one field; the length that the fields declare |
//! | `body`, `chunks`, `chunk_line` | where a body ends |
//! | `limits`, `refusal`, `octets` | bounds; why bytes are refused; kinds of bytes |

mod body;
mod chunk_line;
mod chunks;
mod declared;
mod field;
mod host;
mod limits;
mod lines;
mod octets;
mod progress;
mod refusal;
mod request;
mod request_line;
mod response;
mod status_line;
mod stream;
mod target;
#[cfg(test)]
mod tests;

pub use limits::{Limits, LineEnds};
pub use progress::{Checked, Outcome, Progress};
pub use refusal::{Refusal, Rule, Side};
pub use request::RequestChecker;
pub use response::{ResponseChecker, ResponseTo};
