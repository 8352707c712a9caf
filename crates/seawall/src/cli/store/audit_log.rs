//! `seawall audit-log`: whether the log is as it was written, and what it says.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use seawall_core::{
    http::percent::{UNRESERVED, encoded},
    settings::{Raw, Setting, Span},
};
use serde_json::Value;

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, Holder},
};

/// Entries of one page.
const PAGE: usize = 500;

/// How often is looked for new entries.
const LOOK: Duration = Duration::from_secs(1);

/// The columns of an export as CSV.
const COLUMNS: [&str; 12] = [
    "seq",
    "at",
    "actor_kind",
    "actor_id",
    "address",
    "request_id",
    "action",
    "object_kind",
    "object_id",
    "outcome",
    "before",
    "after",
];

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditLogCommand {
    /// Find out whether the log is as it was written, and where not. Exits with 1 when it is not.
    Verify(VerifyOptions),
    /// Write entries out, the oldest first.
    Export(ExportOptions),
    /// Show the latest entries.
    Tail(TailOptions),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::JsonLines)]
    format: Form,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    file: FileOption,
}

#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    /// How far back to begin.
    #[arg(long, value_name = "DURATION", default_value = "10min")]
    since: String,
    /// Go on showing entries as they are written.
    #[arg(long, short)]
    follow: bool,
    /// Show each entry whole, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileOption,
}

/// Which entries.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Which {
    /// From this time on, such as 2026-11-21T14:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// By this user, key or device.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Of this action, such as user.disabled.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// About this kind of thing, such as user.
    #[arg(long, value_name = "KIND")]
    object_kind: Option<String>,
    /// About this one.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
}

/// How entries are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a line of headings.
    Csv,
}

impl AuditLogCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Verify(options) => &options.file,
            Self::Export(options) => &options.file,
            Self::Tail(options) => &options.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.holder().await?;
        match self {
            Self::Verify(options) => verify(options, &holder, paint, out).await,
            Self::Export(options) => export(options, &holder, out).await,
            Self::Tail(options) => tail(options, &holder, paint, out).await,
        }
    }
}

async fn verify(options: &VerifyOptions, holder: &Holder, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
    let report = &holder.ask("/api/audit-log/verify").await?;
    let intact = report["intact"].as_bool().unwrap_or(false);
    if options.json {
        writeln!(out, "{report}")?;
        return Ok(u8::from(!intact));
    }
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let checkpoints = &report["checkpoints"];
    let word = if intact { paint.good("intact") } else { paint.bold("not intact") };
    writeln!(out, "{word}: {} entries, head {}", number(&report["entries"]), report["head"].as_str().unwrap_or("?"))?;
    writeln!(
        out,
        "  checkpoints  {} fit, the last one at entry {}; what follows it could have been cut off unseen",
        number(&checkpoints["fitting"]),
        number(&checkpoints["covered"])
    )?;
    match number(&report["unsealed"]) {
        0 => {}
        unsealed => writeln!(out, "  unsealed     {unsealed} entries have no place in the chain yet")?,
    }
    match number(&checkpoints["unreadable"]) {
        0 => {}
        unreadable => writeln!(out, "  unreadable   {unreadable} of the checkpoints outside the database")?,
    }
    for finding in report["findings"].as_array().into_iter().flatten() {
        writeln!(out, "  {:<12} {}", finding["kind"].as_str().unwrap_or("?"), finding["text"].as_str().unwrap_or("?"))?;
    }
    Ok(u8::from(!intact))
}

async fn export(options: &ExportOptions, holder: &Holder, out: &mut dyn Write) -> Result<u8, CliError> {
    if options.format == Form::Csv {
        writeln!(out, "{}", COLUMNS.join(","))?;
    }
    let mut place = None;
    loop {
        let (entries, next) = page(holder, &options.which, place.as_deref()).await?;
        for entry in &entries {
            match options.format {
                Form::JsonLines => writeln!(out, "{entry}")?,
                Form::Csv => writeln!(out, "{}", csv(entry))?,
            }
        }
        if entries.len() < PAGE {
            out.flush()?;
            return Ok(0);
        }
        place = next;
    }
}

async fn tail(options: &TailOptions, holder: &Holder, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
    let wrong = |what: String| CliError::Usage(format!("error: --since: {what}\n"));
    let since = Span::read(&Raw::Text(options.since.clone())).map_err(wrong)?.duration();
    let since = SignedDuration::try_from(since).map_err(|error| wrong(error.to_string()))?;
    let which = Which {
        from: Some(now().saturating_sub(since).map_err(|error| wrong(error.to_string()))?),
        ..Which::default()
    };
    let mut place = None;
    loop {
        let (entries, next) = page(holder, &which, place.as_deref()).await?;
        for entry in &entries {
            if options.json {
                writeln!(out, "{entry}")?;
            } else {
                writeln!(out, "{}", line(entry, paint))?;
            }
        }
        out.flush()?;
        // An empty page tells no place; the one before holds on.
        place = next.or(place);
        if entries.len() < PAGE {
            if !options.follow {
                return Ok(0);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line has no clock but the system's")]
fn now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).unwrap_or_default()
}

/// A page, and the place to go on from.
async fn page(holder: &Holder, which: &Which, place: Option<&str>) -> Result<(Vec<Value>, Option<String>), CliError> {
    let mut path = format!("/api/audit-log?limit={PAGE}");
    let times = [("from", which.from), ("until", which.until)];
    let times = times.into_iter().filter_map(|(name, time)| Some((name, time?.to_string())));
    let texts = [
        ("actor", &which.actor),
        ("action", &which.action),
        ("object_kind", &which.object_kind),
        ("object", &which.object),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
    let place = place.map(|place| ("after", place.to_owned()));
    for (name, value) in times.chain(texts).chain(place) {
        path.push_str(&format!("&{name}={}", encoded(&value, UNRESERVED)));
    }
    let mut answer = holder.ask(&path).await?;
    let next = answer.get("next").and_then(Value::as_str).map(str::to_owned);
    match answer.get_mut("data").map(Value::take) {
        Some(Value::Array(entries)) => Ok((entries, next)),
        _ => Err(io::Error::other("the answer holds no entries").into()),
    }
}

/// An entry for a person.
fn line(entry: &Value, paint: Paint) -> String {
    let text = |value: &Value| match value {
        // What came from outside must not steer the terminal.
        Value::String(text) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let (actor, object) = (&entry["actor"], &entry["object"]);
    let mut line = format!(
        "{}  {}  {}:{} on {}:{}",
        paint.dim(&text(&entry["at"])),
        paint.bold(&text(&entry["action"])),
        text(&actor["kind"]),
        text(&actor["id"]),
        text(&object["kind"]),
        text(&object["id"])
    );
    if entry["outcome"] != "done" {
        line.push_str(&format!("  {}", text(&entry["outcome"])));
    }
    for side in ["before", "after"] {
        if !entry[side].is_null() {
            line.push_str(&format!("  {side} {}", entry[side]));
        }
    }
    line
}

/// An entry as a line of CSV (RFC 4180). What a spreadsheet would take for a formula gets a quote before it.
fn csv(entry: &Value) -> String {
    let (actor, object) = (&entry["actor"], &entry["object"]);
    let values = [
        &entry["seq"],
        &entry["at"],
        &actor["kind"],
        &actor["id"],
        &entry["address"],
        &entry["request_id"],
        &entry["action"],
        &object["kind"],
        &object["id"],
        &entry["outcome"],
        &entry["before"],
        &entry["after"],
    ];
    values.map(cell).join(",")
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({
            "id": "1", "seq": 3, "at": "2026-11-21T14:00:00Z", "actor": {"kind": "user", "id": "usr_1"}, "address": null,
            "request_id": "r", "action": "user.renamed", "object": {"kind": "user", "id": "=cmd()"}, "outcome": "refused",
            "before": {"name": "a, \"b\""}, "after": null, "hash": "00",
        })
    }

    #[test]
    fn a_line_of_csv_is_safe_in_a_spreadsheet() {
        assert_eq!(
            csv(&entry()),
            r#"3,2026-11-21T14:00:00Z,user,usr_1,,r,user.renamed,user,'=cmd(),refused,"{""name"":""a, \""b\""""}","#
        );
    }

    #[test]
    fn a_line_for_a_person_says_who_did_what() {
        assert_eq!(
            line(&entry(), Paint { colours: false }),
            r#"2026-11-21T14:00:00Z  user.renamed  user:usr_1 on user:=cmd()  refused  before {"name":"a, \"b\""}"#
        );
    }
}
