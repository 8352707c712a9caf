//! A WebSocket client: the handshake is ours, so that every header of it can be wrong; the frames are tungstenite's.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::raw::{DEFAULT_LIMIT, RawClient};
use super::request::Request;
use super::response::RawResponse;

/// The example key of RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// An open WebSocket; every wait has a limit and panics when it passes.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    handshake: RawResponse,
    limit: Duration,
}

/// Opens a WebSocket; panics with the answer when the server refuses. Headers given here replace those of the handshake.
pub async fn websocket(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> WebSocket {
    match try_websocket(address, path, headers).await {
        Ok(socket) => socket,
        Err(refusal) => panic!("{path} on {address} refused the WebSocket: {refusal:?}"),
    }
}

/// As [`websocket`]; the answer of a server that refuses is the error.
pub async fn try_websocket(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<WebSocket, Box<RawResponse>> {
    let mut request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let own = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    for (name, value) in own {
        if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            request = request.header(name, value);
        }
    }
    let key = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key"))
        .map_or(KEY, |(_, value)| *value);
    let mut connection = RawClient::connect(address).await;
    let handshake = connection.request(&request).await;
    if handshake.status != 101 {
        return Err(Box::new(handshake));
    }
    let accept = derive_accept_key(key.as_bytes());
    assert_eq!(handshake.header("sec-websocket-accept"), Some(accept.as_str()), "wrong accept key in {handshake:?}");
    let (stream, leftover) = connection.into_parts();
    // What is too large is for the server under test to say.
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let stream = WebSocketStream::from_partially_read(stream, leftover.into(), Role::Client, Some(config)).await;
    Ok(WebSocket { stream, handshake, limit: DEFAULT_LIMIT })
}

impl WebSocket {
    /// Waits this long for each message instead of [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The server's 101 answer.
    pub fn handshake(&self) -> &RawResponse {
        &self.handshake
    }

    /// Sends one message or control frame.
    pub async fn send(&mut self, message: Message) {
        self.try_send(message).await.expect("the server takes the message");
    }

    /// As [`Self::send`], for servers that may have gone.
    pub async fn try_send(&mut self, message: Message) -> Result<(), Error> {
        timeout(self.limit, self.stream.send(message))
            .await
            .unwrap_or_else(|_| panic!("message not taken within {:?}", self.limit))
    }

    /// Sends a text message.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    /// Sends a binary message.
    pub async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) {
        self.send(Message::binary(bytes.into())).await;
    }

    /// The next message or control frame; panics when the connection ends instead.
    pub async fn receive(&mut self) -> Message {
        match self.try_receive().await {
            Some(Ok(message)) => message,
            other => panic!("expected a WebSocket message, got {other:?}"),
        }
    }

    /// The next message, an error of the protocol or the socket, or `None` when the connection ended.
    pub async fn try_receive(&mut self) -> Option<Result<Message, Error>> {
        timeout(self.limit, self.stream.next()).await.unwrap_or_else(|_| {
            panic!("no WebSocket message within {:?}; received nothing since the last one", self.limit)
        })
    }

    /// The next text message, skipping pings and pongs; panics when something else comes.
    pub async fn receive_text(&mut self) -> String {
        loop {
            match self.receive().await {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a text message, got {other:?}"),
            }
        }
    }

    /// Sends a close frame; the answer to it comes by [`Self::expect_close`].
    pub async fn close(&mut self, code: u16, reason: &str) {
        self.send(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))).await;
    }

    /// Reads, skipping every other message, up to the server's close frame: its code and reason, `None` when it has neither.
    pub async fn expect_close(&mut self) -> Option<(u16, String)> {
        loop {
            if let Message::Close(frame) = self.receive().await {
                return frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned()));
            }
        }
    }

    /// Waits until the server ended the connection, after a close frame or without; panics on another message.
    pub async fn expect_ended(&mut self) {
        match self.try_receive().await {
            None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) | Error::Protocol(_))) => {}
            Some(other) => panic!("expected the end of the WebSocket, got {other:?}"),
        }
    }

    /// The socket, for raw frames. Bytes already read from it and not handed out are lost.
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}
