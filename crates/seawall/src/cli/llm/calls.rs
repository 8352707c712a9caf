//! `seawall llm calls`: the rows themselves.

use clap::Args;
use seawall_outbound::llm::ledger::MOST_LINES;
use serde_json::Value;

use super::{
    super::{arguments::StatusOptions, paint::Paint},
    items, number,
    table::{Align, table},
    text,
};

#[derive(Debug, Args)]
pub(crate) struct CallsOptions {
    /// How many, 1000 at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=MOST_LINES))]
    limit: i64,
    #[command(flatten)]
    pub(super) server: StatusOptions,
}

impl CallsOptions {
    pub(super) fn path(&self) -> String {
        format!("/api/llm/calls?limit={}", self.limit)
    }
}

/// Rows as people read them.
pub(super) fn shown(said: &Value, paint: Paint) -> String {
    let calls = items(said);
    if calls.is_empty() {
        return "no calls of language models yet\n  help: calls are made at the outbound listener, as /llm/v1/…\n"
            .to_owned();
    }
    let (left, right) = (|name| (name, Align::Left), |name| (name, Align::Right));
    let columns = [
        left("made at"),
        left("provider"),
        left("model"),
        left("route"),
        left("operation"),
        left("ended"),
        right("attempts"),
        right("input"),
        right("output"),
        right("cost"),
        right("took"),
        right("first"),
        left("user"),
        left("project"),
        left("request"),
    ];
    let rows: Vec<_> = calls.iter().map(row).collect();
    table(columns, &rows, paint)
}

fn row(call: &Value) -> [String; 15] {
    let about = if call["estimated"] == true { "~" } else { "" };
    let tokens = |name| format!("{about}{}", number(call, name));
    let unknown = if call["price_known"] == true || call["cost"] == "0.00" { "" } else { "?" };
    let made_at = text(call, "made_at");
    [
        // To the second.
        made_at.split_once('.').map_or(made_at.clone(), |(whole, _)| format!("{whole}Z")),
        text(call, "provider"),
        text(call, "model"),
        text(call, "route"),
        text(call, "operation"),
        format!("{} {}", text(call, "outcome"), number(call, "status")),
        number(call, "attempts").to_string(),
        tokens("input_tokens"),
        tokens("output_tokens"),
        format!("${}{unknown}", text(call, "cost")),
        milliseconds(&call["duration_us"]),
        milliseconds(&call["first_token_us"]),
        text(call, "user"),
        text(call, "project"),
        text(call, "request_id"),
    ]
}

fn milliseconds(us: &Value) -> String {
    us.as_u64().map_or_else(|| "-".to_owned(), |us| format!("{} ms", us.div_ceil(1_000)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_read_how_each_call_ended() {
        let good = json!({ "made_at": "2026-11-21T14:00:02.123456Z", "request_id": "req-1", "user": "usr_1", "project": "a\nb",
            "provider": "openai", "model": "gpt-5", "route": "chat", "operation": "chat", "outcome": "answered", "status": 200, "attempts": 1,
            "input_tokens": 12, "output_tokens": 345, "estimated": false, "cost": "0.003465", "price_known": true,
            "duration_us": 1_234_567, "first_token_us": 200_000 });
        let late = json!({ "made_at": "2026-11-21T14:00:00Z", "request_id": "req-2", "user": null, "project": null,
            "provider": "home", "model": "llama", "route": null, "operation": "chat", "outcome": "failed", "status": 504, "attempts": 3,
            "input_tokens": 12, "output_tokens": 0, "estimated": true, "cost": "0.00024", "price_known": false,
            "duration_us": 60_000_000, "first_token_us": null });
        let said = json!({ "data": [good, late], "next": "x" });
        insta::assert_snapshot!(shown(&said, Paint { colours: false }), @"
        made at               provider  model  route  operation  ended         attempts  input  output       cost      took   first  user   project  request
        2026-11-21T14:00:02Z  openai    gpt-5  chat   chat       answered 200         1     12     345  $0.003465   1235 ms  200 ms  usr_1  a�b      req-1
        2026-11-21T14:00:00Z  home      llama  -      chat       failed 504           3    ~12      ~0  $0.00024?  60000 ms       -  -      -        req-2
        ");
        let nothing = shown(&json!({ "data": [], "next": null }), Paint { colours: false });
        assert!(nothing.starts_with("no calls of language models yet\n"), "{nothing}");
    }
}
