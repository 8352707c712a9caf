//! Answers that take their time. All of them stop as soon as the other side goes away.

use crate::client::wire::WireError;
use crate::upstream::exchange::{Exchange, Next, Outcome};

const TEXT: (&str, &str) = ("Content-Type", "text/plain");

/// Waits before the head.
pub(super) async fn slow(exchange: &mut Exchange<'_>, milliseconds: u64) -> Outcome {
    exchange.pause(milliseconds).await?;
    exchange.answer(200, &[TEXT], b"slow").await
}

/// Head and `first` at once, `second` after a wait.
pub(super) async fn slow_body(exchange: &mut Exchange<'_>, milliseconds: u64) -> Outcome {
    exchange.chunked_head(200, &[TEXT]).await?;
    if !exchange.wants_head_only() {
        exchange.chunk(b"first").await?;
        exchange.pause(milliseconds).await?;
        exchange.chunk(b"second").await?;
    }
    exchange.last_chunk(&[]).await
}

/// JSON: the first half of the name of the first pair at once, and the rest after the wait.
pub(super) async fn say_slowly(exchange: &mut Exchange<'_>, milliseconds: u64, said: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    let body = said.first().map_or(&[][..], |(body, _)| body);
    let (first, second) = body.split_at(body.len() / 2);
    exchange.chunked_head(200, &[("Content-Type", "application/json")]).await?;
    if !exchange.wants_head_only() {
        exchange.chunk(first).await?;
        exchange.pause(milliseconds).await?;
        exchange.chunk(second).await?;
    }
    exchange.last_chunk(&[]).await
}

/// `count` chunks of one byte (the digits 0 to 9, over and over) with a wait between them.
pub(super) async fn trickle(exchange: &mut Exchange<'_>, count: u64, milliseconds: u64) -> Outcome {
    exchange.chunked_head(200, &[TEXT]).await?;
    if !exchange.wants_head_only() {
        for (number, digit) in (0..count).zip(b"0123456789".iter().cycle()) {
            if number > 0 {
                exchange.pause(milliseconds).await?;
            }
            exchange.chunk(&[*digit]).await?;
        }
    }
    exchange.last_chunk(&[]).await
}

/// `count` server-sent events `data: 1`, `data: 2` and so on, each a chunk, with a wait between them.
pub(super) async fn events(exchange: &mut Exchange<'_>, count: u64, milliseconds: u64) -> Outcome {
    exchange.chunked_head(200, &[("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]).await?;
    if !exchange.wants_head_only() {
        for number in 1..=count {
            if number > 1 {
                exchange.pause(milliseconds).await?;
            }
            exchange.chunk(format!("data: {number}\n\n").as_bytes()).await?;
        }
    }
    exchange.last_chunk(&[]).await
}

/// Says nothing until the other side has gone.
pub(super) async fn never(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.wire.peer_gone().await;
    Err::<Next, _>(WireError::Closed)
}
