//! Connections that stop being HTTP: a WebSocket that echoes, and a protocol nobody knows.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::client::head::lists;
use crate::upstream::exchange::{Exchange, Next, Outcome};

/// Upgrades to a WebSocket and echoes every message; 426 when the request does not ask for one.
pub(super) async fn websocket(exchange: &mut Exchange<'_>) -> Outcome {
    let request = &exchange.request;
    let asked = lists(&request.headers, "connection", "upgrade") && lists(&request.headers, "upgrade", "websocket");
    let Some(key) = request.header("sec-websocket-key").filter(|_| asked) else {
        exchange.read_body().await?;
        return exchange.answer(426, &[("Upgrade", "websocket"), ("Connection", "Upgrade")], b"").await;
    };
    let accept = derive_accept_key(key.as_bytes());
    let first_protocol = request
        .header("sec-websocket-protocol")
        .and_then(|list| list.split(',').next())
        .map(|first| first.trim().to_owned());
    let mut headers =
        vec![("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept.as_str())];
    if let Some(protocol) = &first_protocol {
        headers.push(("Sec-WebSocket-Protocol", protocol));
    }
    exchange.head(101, &headers).await?;
    echo_messages(exchange).await;
    Ok(Next::Close)
}

async fn echo_messages(exchange: &mut Exchange<'_>) {
    let seen = exchange.seen;
    let (stream, leftover) = exchange.wire.take_over();
    // Limits are the proxy's business here.
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let mut socket = WebSocketStream::from_partially_read(stream, leftover.into(), Role::Server, Some(config)).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            seen.add_body(&message.clone().into_data());
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// 101 to the protocol `chat`, asked for or not, then every byte comes back.
pub(super) async fn other(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(101, &[("Upgrade", "chat"), ("Connection", "Upgrade")]).await?;
    loop {
        let bytes = exchange.wire.some(usize::MAX).await?;
        if bytes.is_empty() {
            return Ok(Next::Close);
        }
        exchange.seen.add_body(&bytes);
        exchange.wire.write(&bytes).await?;
    }
}
