//! `seawall llm usage`: sums.

use std::fmt::Write;

use clap::Args;
use jiff::civil::Date;
use seawall_outbound::llm::{
    Money,
    ledger::{By, MOST_LINES},
};
use serde_json::Value;

use super::{
    super::{CliError, arguments::StatusOptions, paint::Paint},
    items, number,
    table::{Align, table},
    text,
};

#[derive(Debug, Args)]
pub(crate) struct UsageOptions {
    /// By what calls are added up.
    #[arg(long, value_name = "WHAT", default_value = "day", value_parser = By::WORDS.map(|(word, _)| word))]
    by: String,
    /// The first day, in UTC, such as 2026-01-01 [default: 29 days before the last].
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Date>,
    /// The last day [default: today].
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<Date>,
    /// Answer in CSV, for spreadsheets.
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,
    #[command(flatten)]
    pub(super) server: StatusOptions,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "a day is written such as 2026-01-31".to_owned())
}

impl UsageOptions {
    pub(super) fn path(&self) -> Result<String, CliError> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from > until
        {
            return Err(CliError::Refused(format!(
                "there is no day from {from} until {until}\n  help: write the earlier day after --from"
            )));
        }
        let mut path = format!("/api/llm/usage?by={}", self.by);
        for (name, day) in [("from", self.from), ("until", self.until)] {
            if let Some(day) = day {
                path.push_str(&format!("&{name}={day}"));
            }
        }
        if self.csv {
            path.push_str("&format=csv");
        }
        Ok(path)
    }
}

/// Sums as people read them.
pub(super) fn shown(said: &Value, paint: Paint) -> String {
    let (from, until, by) = (text(said, "from"), text(said, "until"), text(said, "by"));
    let lines = items(said);
    if lines.is_empty() {
        return format!(
            "no calls of language models from {from} until {until}\n  help: calls are made at the outbound listener, as /llm/v1/…; other days: --from 2026-01-01\n"
        );
    }
    let counted = ["calls", "failed", "input_tokens", "cached_read_tokens", "output_tokens", "images"];
    let row = |key: String, value: &dyn Fn(&str) -> u64, cost: Money| {
        let [calls, failed, input, cached, output, images] = counted.map(|name| value(name).to_string());
        [key, calls, failed, input, cached, output, images, format!("${cost}")]
    };
    let mut rows: Vec<_> =
        lines.iter().map(|line| row(text(line, "key"), &|name| number(line, name), cost(line))).collect();
    let sum = |name: &str| lines.iter().map(|line| number(line, name)).fold(0, u64::saturating_add);
    let nanos = lines.iter().map(|line| cost(line).nanos()).fold(0, u64::saturating_add);
    rows.push(row("total".to_owned(), &sum, Money::from_nanos(nanos)));
    let right = |name| (name, Align::Right);
    let columns = [
        (by.as_str(), Align::Left),
        right("calls"),
        right("failed"),
        right("input"),
        right("cached"),
        right("output"),
        right("images"),
        right("cost"),
    ];
    let mut out = format!("From {from} until {until}, in UTC; input, cached and output are tokens:\n\n");
    out.push_str(&table(columns, &rows, paint));
    let estimated = sum("estimated");
    if estimated > 0 {
        let _infallible = writeln!(out, "\n{estimated} of {} calls were counted by an estimate", sum("calls"));
    }
    if i64::try_from(lines.len()).is_ok_and(|lines| lines >= MOST_LINES) {
        let _infallible = writeln!(
            out,
            "\nonly {MOST_LINES} lines are shown and added up, the dearest; ask for fewer days with --from and --until"
        );
    }
    out
}

fn cost(line: &Value) -> Money {
    line["cost"].as_str().and_then(Money::parse).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(key: Option<&str>, calls: u64, cost: &str) -> Value {
        json!({ "key": key, "calls": calls, "failed": 1, "input_tokens": 1200, "cached_read_tokens": 60,
            "output_tokens": 345, "images": 0, "cost": cost, "estimated": 1 })
    }

    #[test]
    fn people_read_a_table_with_its_sum() {
        let lines =
            [line(Some("gpt-5"), 12, "1.0000215"), line(None, 3, "0.50"), line(Some("a\u{1b}[31mb"), 1, "0.00")];
        let said = json!({ "by": "model", "from": "2026-11-01", "until": "2026-11-30", "data": lines });
        insta::assert_snapshot!(shown(&said, Paint { colours: false }), @"
        From 2026-11-01 until 2026-11-30, in UTC; input, cached and output are tokens:

        model    calls  failed  input  cached  output  images        cost
        gpt-5       12       1   1200      60     345       0  $1.0000215
        -            3       1   1200      60     345       0       $0.50
        a�[31mb      1       1   1200      60     345       0       $0.00
        total       16       3   3600     180    1035       0  $1.5000215

        3 of 16 calls were counted by an estimate
        ");
        let nothing = json!({ "by": "day", "from": "2026-11-01", "until": "2026-11-30", "data": [] });
        let nothing = shown(&nothing, Paint { colours: false });
        assert!(nothing.starts_with("no calls of language models from 2026-11-01 until 2026-11-30\n"), "{nothing}");
    }
}
