//! `seawall report`: asks the running server what its guards would have refused that only report, and in what the application's answers
//! differ from its document.

use std::{fmt::Write, io, path::PathBuf, time::Duration};

use seawall_core::http::percent::{UNRESERVED, encoded};
use serde_json::Value;

use super::{
    CliError, Next, Serve, World,
    arguments::ReportOptions,
    paint::Paint,
    status::{self, unreachable},
};
use crate::app::tiny_http::{self, Answer};

const LIMIT: Duration = Duration::from_secs(10);
/// Callers and examples of each problem that are shown to people; programs get all there are.
const MOST_SHOWN: usize = 3;
/// Ways in which answers differ that are shown to people.
const MOST_FINDINGS: usize = 40;

/// A question what would have been refused.
#[derive(Debug)]
pub struct Ask {
    socket: PathBuf,
    path: String,
    json: bool,
    paint: Paint,
}

/// Prepares the question.
pub(super) fn ask(options: &ReportOptions, world: &World<'_>) -> Result<Next, CliError> {
    let socket = status::earlier_socket(&options.server, world)?;
    let parts = [("guard", &options.guard), ("route", &options.route)];
    let parts =
        parts.into_iter().filter_map(|(name, part)| Some(format!("{name}={}", encoded(part.as_deref()?, UNRESERVED))));
    let path = format!("/api/report?{}", parts.collect::<Vec<_>>().join("&"));
    let ask = Ask { socket, path, json: options.server.json, paint: Paint { colours: world.colours } };
    Ok(Next::Serve(Box::new(Serve::Report(ask))))
}

impl Ask {
    /// Asks, and answers for people or machines.
    ///
    /// # Errors
    /// [`CliError::Missing`] when no server runs, or it is of a version that keeps no reports.
    pub async fn answer(&self) -> Result<String, CliError> {
        let asked = tiny_http::get_unix(&self.socket, &self.path, LIMIT).await;
        let Answer { status, body } = asked.map_err(|error| unreachable(&self.socket, &error))?;
        match status {
            200 if self.json => Ok(body),
            200 => Ok(self.text(&serde_json::from_str(&body).map_err(io::Error::other)?)?),
            _ => Err(CliError::Missing(format!(
                "the running server tells no reports (it answered {status})\n  help: it may be of an earlier version; restart it with: seawall restart"
            ))),
        }
    }

    fn text(&self, said: &Value) -> Result<String, io::Error> {
        let mut out = String::new();
        let (refusing, clean): (Vec<_>, Vec<_>) =
            items(said, "data").iter().partition(|report| number(report, "refused") > 0);
        let since = text(said, "since");
        let answers = &said["answers"];
        if number(answers, "bodies") > 0 || !items(answers, "data").is_empty() {
            self.answers(&mut out, since, answers).map_err(io::Error::other)?;
            if refusing.is_empty() && clean.is_empty() {
                return Ok(out);
            }
            out.push('\n');
        }
        if refusing.is_empty() && clean.is_empty() {
            return Ok(format!(
                "nothing to report since {since}: no guard looked at a request while it only reported\n  help: set mode = \"report\" at the top of the file, in a guard's section or in a route, then: seawall reload\n"
            ));
        }
        let written = self.reports(&mut out, since, &refusing, &clean);
        written.map_err(io::Error::other)?;
        if number(said, "left_out") > 0 {
            writeln!(out, "\n{} more guards of routes are not recorded: there are too many", number(said, "left_out"))
                .map_err(io::Error::other)?;
        }
        Ok(out)
    }

    /// In what the application's answers differ from its document.
    fn answers(&self, out: &mut String, since: &str, answers: &Value) -> std::fmt::Result {
        let (compared, bodies) = (number(answers, "compared"), number(answers, "bodies"));
        let title = self.paint.bold("answers that differ from the document");
        writeln!(out, "{title}, since {since}; {compared} of {bodies} JSON bodies were compared")?;
        let found = items(answers, "data");
        if found.is_empty() {
            return writeln!(out, "  none");
        }
        let mut before = "";
        for finding in found.iter().take(MOST_FINDINGS) {
            let operation = text(finding, "operation");
            if operation != before {
                writeln!(out, "  {operation} on {}", text(finding, "route"))?;
                before = operation;
            }
            let (field, rule, count) = (text(finding, "field"), text(finding, "rule"), number(finding, "count"));
            let difference =
                format!("expected {} ({rule}), found {}", text(finding, "expected"), text(finding, "found"));
            writeln!(out, "    {} {field}: {difference}", number(finding, "status"))?;
            let seen = format!("      {count} times, last {}", text(finding, "last_at"));
            writeln!(out, "{}", self.paint.dim(&seen))?;
        }
        let more = found.len().saturating_sub(MOST_FINDINGS) as u64;
        if more > 0 {
            writeln!(out, "  and {more} more, with --json")?;
        }
        let left_out = number(answers, "left_out");
        if left_out > 0 {
            writeln!(out, "  {left_out} more times something differed that there was no room to remember")?;
        }
        Ok(())
    }

    fn reports(&self, out: &mut String, since: &str, refusing: &[&Value], clean: &[&Value]) -> std::fmt::Result {
        writeln!(out, "Since {since}, as this process remembers it:")?;
        for report in refusing {
            self.refusing(out, report)?;
        }
        if clean.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.paint.bold("would have refused nothing"))?;
        for report in clean {
            writeln!(
                out,
                "  {} on {}, of {} requests",
                text(report, "guard"),
                text(report, "route"),
                number(report, "seen")
            )?;
        }
        Ok(())
    }

    fn refusing(&self, out: &mut String, report: &Value) -> std::fmt::Result {
        let title = self.paint.bold(&format!("{} on {}", text(report, "guard"), text(report, "route")));
        let (refused, seen) = (number(report, "refused"), number(report, "seen"));
        let enforced = if report["reporting"] == true { "" } else { ", until it was enforced or switched off" };
        writeln!(out, "\n{title}  would have refused {refused} of {seen} requests{enforced}")?;
        for problem in items(report, "problems") {
            let (name, count) = (text(problem, "problem"), number(problem, "count"));
            writeln!(out, "  {name}, {count} times, last {}", text(problem, "last_at"))?;
            let callers = items(problem, "callers").iter().take(MOST_SHOWN);
            let callers = callers.map(|caller| format!("{} ({})", text(caller, "caller"), number(caller, "count")));
            writeln!(out, "    by {}", callers.collect::<Vec<_>>().join(", "))?;
            for example in items(problem, "examples").iter().rev().take(MOST_SHOWN) {
                let (method, path, status) =
                    (text(example, "method"), text(example, "path"), number(example, "status"));
                let detail = example["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
                writeln!(
                    out,
                    "    {} {method} {path} would be {status}{}",
                    text(example, "at"),
                    self.paint.dim(&detail)
                )?;
            }
        }
        for suggestion in items(report, "suggestions") {
            writeln!(out, "  {} {}", self.paint.good("->"), suggestion.as_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("?")
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: &Value) -> String {
        let paint = Paint { colours: false };
        Ask { socket: PathBuf::new(), path: String::new(), json: false, paint }.text(value).unwrap()
    }

    #[test]
    fn people_read_which_answers_differ_from_the_document() {
        let finding = |status: u16, field: &str, rule: &str, expected: &str, found: &str| {
            json!({ "operation": "GET /orders/{id}", "route": "*", "status": status, "field": field, "rule": rule,
                "expected": expected, "found": found, "count": 17, "last_at": "2026-11-21T14:00:02Z" })
        };
        let found = [
            finding(200, "/items/*/count", "maximum", "1 to 1000", "a whole number"),
            finding(500, "status", "responses", "a status that the document has", "another status"),
        ];
        let answers = json!({ "bodies": 4000, "compared": 118, "left_out": 2, "data": found });
        let value = json!({ "since": "2026-11-21T14:00:00Z", "left_out": 0, "data": [], "answers": answers });
        insta::assert_snapshot!(said(&value), @r"
        answers that differ from the document, since 2026-11-21T14:00:00Z; 118 of 4000 JSON bodies were compared
          GET /orders/{id} on *
            200 /items/*/count: expected 1 to 1000 (maximum), found a whole number
              17 times, last 2026-11-21T14:00:02Z
            500 status: expected a status that the document has (responses), found another status
              17 times, last 2026-11-21T14:00:02Z
          2 more times something differed that there was no room to remember
        ");
    }

    #[test]
    fn people_read_what_would_be_refused_and_what_to_write() {
        let example = json!({ "at": "2026-11-21T14:00:02Z", "method": "GET", "path": "/items?token=[redacted]",
            "status": 429, "detail": null, "caller": "203.0.113.9" });
        let problem = json!({ "problem": "quota-exceeded", "count": 3, "last_at": "2026-11-21T14:00:02Z",
            "callers": [{ "caller": "203.0.113.9", "count": 3, "over": 0 }], "examples": [example] });
        let limiter = json!({ "guard": "rate_limit", "route": "*", "reporting": true, "seen": 12481, "refused": 3,
            "problems": [problem], "suggestions": ["write \"140/min per ip\""] });
        let body = json!({ "guard": "body", "route": "*", "reporting": true, "seen": 90, "refused": 0 });
        let value = json!({ "since": "2026-11-21T14:00:00Z", "left_out": 0, "data": [limiter, body] });
        insta::assert_snapshot!(said(&value), @r#"
        Since 2026-11-21T14:00:00Z, as this process remembers it:

        rate_limit on *  would have refused 3 of 12481 requests
          quota-exceeded, 3 times, last 2026-11-21T14:00:02Z
            by 203.0.113.9 (3)
            2026-11-21T14:00:02Z GET /items?token=[redacted] would be 429
          -> write "140/min per ip"

        would have refused nothing
          body on *, of 90 requests
        "#);
        let nothing = said(&json!({ "since": "2026-11-21T14:00:00Z", "left_out": 0, "data": [] }));
        assert!(nothing.starts_with("nothing to report since 2026-11-21T14:00:00Z"), "{nothing}");
    }
}
