//! Honest answers: what was received, bodies of any size, statuses and headers.

use serde_json::json;

use crate::client::head::lists;
use crate::upstream::exchange::{Exchange, Next, Outcome};
use crate::upstream::payload::{BLOCK, block};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const BINARY: (&str, &str) = ("Content-Type", "application/octet-stream");

/// `{"ok":true}`.
pub(super) async fn fine(exchange: &mut Exchange<'_>) -> Outcome {
    exchange.answer(200, &[JSON], br#"{"ok":true}"#).await
}

/// The request as JSON; the body's text only when it was kept whole and is UTF-8.
pub(super) async fn echo(exchange: &mut Exchange<'_>) -> Outcome {
    let seen = exchange.read_body().await?;
    let whole = seen.body.len() as u64 == seen.body_bytes;
    let text = std::str::from_utf8(&seen.body).ok().filter(|_| whole);
    let answer = json!({
        "method": seen.method,
        "target": seen.target,
        "version": seen.version,
        "connection": seen.connection,
        "headers": seen.headers,
        "body_length": seen.body_bytes,
        "body": text,
        "trailers": seen.trailers,
    });
    exchange.answer(200, &[JSON], answer.to_string().as_bytes()).await
}

/// How much was received, and its checksum.
pub(super) async fn upload(exchange: &mut Exchange<'_>) -> Outcome {
    let seen = exchange.read_body().await?;
    let answer = json!({ "received": seen.body_bytes, "sum": seen.body_sum.to_string() });
    exchange.answer(200, &[JSON], answer.to_string().as_bytes()).await
}

/// `size` bytes with a Content-Length, under these header lines or as octets.
pub(super) async fn bytes(exchange: &mut Exchange<'_>, size: u64, headers: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    let length = (b"Content-Length".to_vec(), size.to_string().into_bytes());
    exchange.raw_head(200, typed(headers).chain([length])).await?;
    if !exchange.wants_head_only() {
        for length in blocks(size) {
            exchange.body(&block()[..length]).await?;
        }
    }
    Ok(Next::KeepAlive)
}

/// `size` bytes in chunks of at most 64 KiB, under these header lines or as octets.
pub(super) async fn chunked(exchange: &mut Exchange<'_>, size: u64, headers: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    let lines: Vec<_> = typed(headers).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines: Vec<_> = lines.iter().map(|(name, value)| (text(name), text(value))).collect();
    let lines: Vec<_> = lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    exchange.chunked_head(200, &lines).await?;
    if !exchange.wants_head_only() {
        for length in blocks(size) {
            exchange.chunk(&block()[..length]).await?;
        }
    }
    exchange.last_chunk(&[]).await
}

/// These header lines, or the type of octets when there are none.
fn typed(headers: &[(Vec<u8>, Vec<u8>)]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let (name, value) = BINARY;
    let octets = headers.is_empty().then(|| (name.into(), value.into()));
    headers.iter().cloned().chain(octets)
}

/// 200 with the name of the first pair as its body, and the others as header lines; JSON where they say nothing else.
pub(super) async fn say(exchange: &mut Exchange<'_>, said: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    let (body, headers) = said.split_first().map_or((&[][..], said), |((body, _), headers)| (body, headers));
    let mut lines = headers.to_vec();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-type")) {
        lines.push(("Content-Type".into(), "application/json".into()));
    }
    lines.push(("Content-Length".into(), body.len().to_string().into_bytes()));
    exchange.raw_head(200, lines).await?;
    exchange.body(body).await?;
    Ok(Next::KeepAlive)
}

/// `status` with these header lines; the body names the status, where the status lets there be one.
pub(super) async fn headers(exchange: &mut Exchange<'_>, status: u16, headers: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    let given = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    // RFC 9110 section 15.3.6: 205 has no content, but a length.
    let body = if status == 205 { String::new() } else { json!({ "status": status }).to_string() };
    let mut lines = headers.to_vec();
    let mut add = |name: &str, value: String| {
        if !bodiless && !given(name) {
            lines.push((name.into(), value.into_bytes()));
        }
    };
    add("Content-Type", "application/json".to_owned());
    if !given("Transfer-Encoding") {
        add("Content-Length", body.len().to_string());
    }
    exchange.raw_head(status, lines).await?;
    if !bodiless {
        exchange.body(body.as_bytes()).await?;
    }
    let text: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(name).into(), String::from_utf8_lossy(value).into()))
        .collect();
    // A 1xx answer is not final: the client still waits for one, which never comes.
    let ends = matches!(status, 100..=199) || lists(&text, "connection", "close");
    Ok(if ends { Next::Close } else { Next::KeepAlive })
}

/// The lengths of the writes that make up `size` bytes.
fn blocks(size: u64) -> impl Iterator<Item = usize> {
    let whole = size / BLOCK as u64;
    let rest = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (0..whole).map(|_| BLOCK).chain((rest > 0).then_some(rest))
}
