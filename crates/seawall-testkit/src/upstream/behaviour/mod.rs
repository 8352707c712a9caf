//! Which path does what: the one table from a request's path to its behaviour.

mod faults;
mod interim;
mod pages;
mod plain;
mod timing;
mod upgrades;

pub use faults::LEAKED_SECRET;

use super::exchange::{Exchange, Next, Outcome};

/// Answers the request of `exchange` by its path.
pub(super) async fn answer(exchange: &mut Exchange<'_>) -> Outcome {
    let target = std::mem::replace(&mut exchange.target, super::target::Target::parse("/"));
    let segments = target.segments();
    match segments.as_slice() {
        ["reset"] => Ok(Next::Reset),
        ["early-answer"] => interim::early_answer(exchange).await,
        ["expect"] => interim::expect(exchange).await,
        ["ws"] => upgrades::websocket(exchange).await,
        ["upgrade-other"] => upgrades::other(exchange).await,
        segments => {
            exchange.read_body().await?;
            match segments {
                ["headers"] => plain::headers(exchange, 200, &target.query).await,
                ["say"] => plain::say(exchange, &target.query).await,
                ["status", code] => match code.parse() {
                    Ok(code @ 100..=999) => plain::headers(exchange, code, &target.query).await,
                    _ => plain::fine(exchange).await,
                },
                [name] => named(exchange, name).await,
                [name, first] => with_number(exchange, name, first, &target.query).await,
                [name, first, second] => with_two_numbers(exchange, name, first, second).await,
                _ => plain::fine(exchange).await,
            }
        }
    }
}

async fn named(exchange: &mut Exchange<'_>, name: &str) -> Outcome {
    match name {
        "echo" => plain::echo(exchange).await,
        "upload" => plain::upload(exchange).await,
        "html" => pages::html(exchange).await,
        "page" => pages::page(exchange).await,
        "never" => timing::never(exchange).await,
        "reset-body" => faults::reset_body(exchange).await,
        "close" => Ok(Next::Close),
        "short-body" => faults::short_body(exchange).await,
        "long-body" => faults::long_body(exchange).await,
        "bad-head" => faults::bad_head(exchange).await,
        "cl-te" => faults::both_framings(exchange).await,
        "huge-header" => faults::huge_header(exchange).await,
        "bad-chunk" => faults::bad_chunk(exchange).await,
        "early-close-after-answer" => faults::close_after_answer(exchange).await,
        "stack-trace" => faults::stack_trace(exchange).await,
        "100-continue" => interim::continue_first(exchange).await,
        "103" => interim::early_hints(exchange).await,
        "trailers" => interim::trailers(exchange).await,
        // `/ws-refused` is here too: an upgrade request that is answered like any other.
        _ => plain::fine(exchange).await,
    }
}

async fn with_number(exchange: &mut Exchange<'_>, name: &str, first: &str, headers: &[(Vec<u8>, Vec<u8>)]) -> Outcome {
    if name == "asset" {
        return pages::asset(exchange, first).await;
    }
    match (name, first.parse()) {
        ("bytes", Ok(size)) => plain::bytes(exchange, size, headers).await,
        ("chunked", Ok(size)) => plain::chunked(exchange, size, headers).await,
        ("say", Ok(milliseconds)) => timing::say_slowly(exchange, milliseconds, headers).await,
        ("slow", Ok(milliseconds)) => timing::slow(exchange, milliseconds).await,
        ("slow-body", Ok(milliseconds)) => timing::slow_body(exchange, milliseconds).await,
        _ => plain::fine(exchange).await,
    }
}

async fn with_two_numbers(exchange: &mut Exchange<'_>, name: &str, first: &str, second: &str) -> Outcome {
    match (name, first.parse(), second.parse()) {
        ("trickle", Ok(count), Ok(milliseconds)) => timing::trickle(exchange, count, milliseconds).await,
        ("sse", Ok(count), Ok(milliseconds)) => timing::events(exchange, count, milliseconds).await,
        _ => plain::fine(exchange).await,
    }
}
