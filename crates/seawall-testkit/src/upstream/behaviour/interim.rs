//! Answers with something before or after them: 1xx heads, trailers, and bodies that wait for permission.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::client::head::lists;
use crate::upstream::exchange::{Exchange, Next, Outcome};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const TEXT: (&str, &str) = ("Content-Type", "text/plain");

/// How long an early body may take to show itself.
const EARLY_BODY: Duration = Duration::from_millis(50);

/// 100 whether or not it was asked for, then 200.
pub(super) async fn continue_first(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.interim(100, &[]).await?;
    exchange.answer(200, &[TEXT], b"continued").await
}

/// 103 with a link, then 200.
pub(super) async fn early_hints(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.interim(103, &[("Link", "</asset/1.css>; rel=preload; as=style")]).await?;
    exchange.answer(200, &[TEXT], b"hinted").await
}

/// A chunked body with announced trailers.
pub(super) async fn trailers(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.chunked_head(200, &[TEXT, ("Trailer", "X-Checksum, X-Count")]).await?;
    exchange.chunk(b"with trailers").await?;
    exchange.last_chunk(&[("X-Checksum", "abc123"), ("X-Count", "13")]).await
}

/// Demands `Expect: 100-continue` (417 without), gives the permission, and tells whether the body came before it.
pub(super) async fn expect(exchange: &mut Exchange<'_>) -> Outcome {
    if !lists(&exchange.request.headers, "expect", "100-continue") {
        exchange.read_body().await?;
        return exchange.answer(417, &[JSON], br#"{"expected":"100-continue"}"#).await;
    }
    let waits = exchange.wire.unread().is_empty() && timeout(EARLY_BODY, exchange.wire.fill()).await.is_err();
    let seen = exchange.read_body().await?;
    let answer = json!({ "waited_for_continue": waits, "received": seen.body_bytes });
    exchange.answer(200, &[JSON], answer.to_string().as_bytes()).await
}

/// Answers before reading the body, then reads it, so that the connection stays usable.
pub(super) async fn early_answer(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.answer(200, &[JSON], br#"{"early":true}"#).await?;
    if exchange.owes_continue() {
        return Ok(Next::Close);
    }
    exchange.read_body().await?;
    Ok(Next::KeepAlive)
}
