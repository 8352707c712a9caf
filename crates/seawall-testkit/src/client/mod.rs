//! Clients for tests: exact bytes ([`RawClient`]), everyday calls ([`Client`]), HTTP/2 ([`H2Client`], and frame by frame [`H2RawClient`]) and WebSockets ([`websocket()`]).
//!
//! Nothing waits longer than [`DEFAULT_LIMIT`] unless told so. A client panics when what it was asked for does not come,
//! and says which request it was and what had arrived; its `try_` twin returns that instead.

mod connection;
mod failure;
pub(crate) mod framing;
mod h2;
mod h2_raw;
pub(crate) mod head;
mod raw;
mod request;
mod response;
mod simple;
mod websocket;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub use failure::{FailureKind, ReadFailure};
pub use h2::H2Client;
pub use h2_raw::{H2Answer, H2Ending, H2Frame, H2RawClient, hpack};
pub use raw::{DEFAULT_LIMIT, RawClient};
pub use request::Request;
pub use response::{Interim, Piece, RawResponse};
pub use simple::Client;
pub use tokio_tungstenite::tungstenite::Message;
pub use websocket::{WebSocket, try_websocket, websocket};
