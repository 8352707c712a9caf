//! A second opinion: what another implementation, tungstenite, finds in a stream.

use std::io::{self, Read, Write};

use seawall_core::websocket::Sender;
use tokio_tungstenite::tungstenite::{self, WebSocket, protocol::Role};

use super::plain::Message;

/// Registered with IANA, but not known to it, which reports what is below in its place.
const BAD_GATEWAY: [u8; 2] = 1014_u16.to_be_bytes();
const NOT_KNOWN: &[u8] = b"\x03\xeaProtocol violation";

/// The messages that it finds.
pub(super) fn messages(wire: &[u8], sender: Sender) -> Vec<Message> {
    let role = if sender == Sender::Client { Role::Server } else { Role::Client };
    let mut socket = WebSocket::from_raw_socket(Recorded(wire), role, None);
    let mut messages = Vec::new();
    while let Ok(message) = socket.read() {
        let (opcode, content) = match message {
            tungstenite::Message::Text(text) => (1, text.as_bytes().to_vec()),
            tungstenite::Message::Binary(content) => (2, content.to_vec()),
            tungstenite::Message::Ping(payload) => (9, payload.to_vec()),
            tungstenite::Message::Pong(payload) => (10, payload.to_vec()),
            tungstenite::Message::Close(None) => (8, Vec::new()),
            tungstenite::Message::Close(Some(close)) => {
                (8, [&u16::from(close.code).to_be_bytes(), close.reason.as_bytes()].concat())
            }
            tungstenite::Message::Frame(frame) => panic!("{frame:?} is never read"),
        };
        messages.push(Message { opcode, content });
    }
    messages
}

/// The messages as it reports them.
pub(super) fn known(messages: &[Message]) -> Vec<Message> {
    let known = |message: &Message| match message.opcode {
        8 if message.content.starts_with(&BAD_GATEWAY) => Message { opcode: 8, content: NOT_KNOWN.to_vec() },
        _ => message.clone(),
    };
    messages.iter().map(known).collect()
}

/// A socket that has received these bytes, and drops what is sent.
struct Recorded<'a>(&'a [u8]);

impl Read for Recorded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
