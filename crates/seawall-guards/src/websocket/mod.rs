//! Guards WebSockets: the handshake, and then every frame in both directions (checklist WK-7).
//!
//! A handshake is checked before the application sees it, and compression is not offered to it: no extension is ever
//! negotiated, so a frame means what it says, and no small message can unfold to a large one. Once both sides talk, the proxy
//! holds each to RFC 6455, bounds messages in size and number, pings the client, and ends what is silent. A limit that a
//! client passes ends its socket with 1008 or 1009, a broken rule with 1002 or 1007; messages that came before still arrive.
//!
//! The origin of a page is `cors`'s business. In report-only mode the first rule that a socket breaks is told, and what follows passes
//! on unread.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, INVALID_HANDSHAKE, SECTION, SOCKET_CLOSED, values};
pub use guard::{SocketRules, WebsocketGuard};
