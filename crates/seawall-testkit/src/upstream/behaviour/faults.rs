//! Answers that break HTTP, break off, or say too much.

use crate::upstream::exchange::{Exchange, Next, Outcome};
use crate::upstream::payload::block;

/// What `/stack-trace` gives away; no answer of a proxy may contain it. The key of the AWS documentation, valid nowhere.
pub const LEAKED_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const HUGE_HEADER_BYTES: usize = 1024 * 1024;
const RESET_BODY_BYTES: usize = 32 * 1024;

/// Half of a body with a Content-Length, then RST.
pub(super) async fn reset_body(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(200, &[TEXT, ("Content-Length", &RESET_BODY_BYTES.to_string())]).await?;
    exchange.body(&block()[..RESET_BODY_BYTES / 2]).await?;
    // RST throws away what is still in the send buffer; the half must be on its way before.
    exchange.pause(50).await?;
    Ok(Next::Reset)
}

/// Declares 100 bytes, sends 50 and closes cleanly.
pub(super) async fn short_body(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(200, &[TEXT, ("Content-Length", "100")]).await?;
    exchange.body(&block()[..50]).await?;
    Ok(Next::Close)
}

/// Declares 10 bytes and sends 20 in one write; the connection stays open, with 10 bytes that belong to nothing.
pub(super) async fn long_body(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(200, &[TEXT, ("Content-Length", "10")]).await?;
    exchange.body(b"0123456789abcdefghij").await?;
    Ok(Next::KeepAlive)
}

/// Bytes that are no status line.
pub(super) async fn bad_head(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.wire.write(b"\x16\x03\x01 this is no status line\r\n\r\n").await?;
    Ok(Next::Close)
}

/// A chunked body with a Content-Length beside it.
pub(super) async fn both_framings(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(200, &[TEXT, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]).await?;
    exchange.body(b"5\r\nhello\r\n0\r\n\r\n").await?;
    Ok(Next::KeepAlive)
}

/// One header line of a mebibyte.
pub(super) async fn huge_header(exchange: &mut Exchange<'_>) -> Outcome {
    let value = "a".repeat(HUGE_HEADER_BYTES);
    exchange.answer(200, &[TEXT, ("X-Huge", &value)], b"huge").await
}

/// A good chunk, then one whose size is no number.
pub(super) async fn bad_chunk(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.head(200, &[TEXT, ("Transfer-Encoding", "chunked")]).await?;
    exchange.body(b"5\r\nhello\r\nZZ\r\nworld\r\n0\r\n\r\n").await?;
    Ok(Next::Close)
}

/// A good answer that promises keep-alive by its silence, then a clean close.
pub(super) async fn close_after_answer(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.answer(200, &[TEXT], b"fine").await?;
    Ok(Next::Close)
}

/// What a framework in debug mode answers: versions, a stack trace and a secret.
pub(super) async fn stack_trace(exchange: &mut Exchange<'_>) -> Outcome {
    let body = format!(
        "Traceback (most recent call last):\n  File \"/srv/app/views.py\", line 42, in checkout\n    charge(order, key=settings.AWS_SECRET_ACCESS_KEY)\n  \
         File \"/srv/app/billing.py\", line 7, in charge\n    raise ValueError(f\"bad key {{key}}\")\nValueError: bad key {LEAKED_SECRET}\n"
    );
    exchange.answer(500, &[TEXT, ("Server", "gunicorn/20.1.0"), ("X-Powered-By", "Flask")], body.as_bytes()).await
}
