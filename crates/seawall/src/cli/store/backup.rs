//! `seawall backup`: taking backups, seeing which there are, proving that they can be restored.

use std::{fmt::Write as _, io::Write};

use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use seawall_core::http::percent::{UNRESERVED, encoded};
use serde_json::Value;

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, Wanted},
    bar::Bar,
};

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Take a backup of everything, or of what is named.
    Now(NowOptions),
    /// Which backups there are, and which were verified.
    List(NowOptions),
    /// Fetch the newest backup, restore it into a scratch directory, and check it. Exits with 1 when it cannot be restored, and with
    /// 69 when it could not be looked at.
    Verify(VerifyOptions),
}

#[derive(Debug, Args)]
pub(crate) struct NowOptions {
    /// What [backup.NAME] says, or seawall for the store; all by default.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// What [backup.NAME] says, or seawall for the store; all by default.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// This backup instead of the newest, as `seawall backup list` names it.
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl BackupCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Now(options) | Self::List(options) => &options.file,
            Self::Verify(options) => &options.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        match self {
            Self::Now(options) => now(options, access, paint, out).await,
            Self::List(options) => list(options, access, paint, out).await,
            Self::Verify(options) => verify(options, access, paint, out).await,
        }
    }
}

async fn now(options: &NowOptions, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
    let bar = Bar::new(options.json);
    let holder = access.backups(Wanted::Taking(options.name.as_deref()), bar.progress()).await?;
    let answer = holder.have_done(&format!("/api/backup/now{}", query(options.name.as_deref(), None))).await;
    holder.close().await;
    drop(bar);
    let answer = answer?;
    if options.json {
        writeln!(out, "{answer}")?;
        return Ok(0);
    }
    for taken in rows(&answer) {
        writeln!(out, "{}  {}  {}  {}", paint.good("taken"), text(taken, "name"), text(taken, "id"), size(taken))?;
        remarks(taken, out)?;
    }
    Ok(0)
}

async fn list(options: &NowOptions, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
    let bar = Bar::new(options.json);
    let holder = access.backups(Wanted::Reading, bar.progress()).await?;
    let answer = holder.look(&format!("/api/backup{}", query(options.name.as_deref(), None))).await?;
    if options.json {
        writeln!(out, "{answer}")?;
        return Ok(0);
    }
    for source in rows(&answer) {
        let encrypted = if source["encrypted"] == true { "encrypted" } else { "not encrypted" };
        let (name, kind, place) = (text(source, "name"), text(source, "kind"), text(source, "place"));
        writeln!(out, "{} ({kind}) at {place}, {encrypted}", paint.bold(name))?;
        let backups = source["backups"].as_array().map(Vec::as_slice).unwrap_or_default();
        for backup in backups {
            let verified = match backup["verified"].as_str() {
                Some("ok") => paint.good("verified"),
                Some(other) => paint.bold(other),
                None => "not verified".to_owned(),
            };
            writeln!(out, "  {}  {}  {}  {verified}", text(backup, "id"), text(backup, "taken_at"), size(backup))?;
        }
        if backups.is_empty() {
            writeln!(out, "  no backup yet")?;
        }
        for unfit in source["unfit"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            writeln!(out, "  {}: {unfit}", paint.bold("not trusted"))?;
        }
    }
    if let Some(signer) = answer.get("signer").and_then(Value::as_str) {
        writeln!(out, "signed here with {signer}")?;
    }
    Ok(0)
}

async fn verify(options: &VerifyOptions, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
    let bar = Bar::new(options.json);
    let holder = access.backups(Wanted::Reading, bar.progress()).await?;
    let path = format!("/api/backup/verify{}", query(options.name.as_deref(), options.backup.as_deref()));
    let answer = holder.have_done(&path).await;
    drop(bar);
    let answer = answer?;
    if options.json {
        writeln!(out, "{answer}")?;
    } else {
        for found in rows(&answer) {
            out.write_all(verdict(found, paint).as_bytes())?;
        }
    }
    let any = |outcome: &str| rows(&answer).iter().any(|found| found["outcome"] == outcome);
    Ok(match (any("failed"), any("inconclusive")) {
        (true, _) => 1,
        (false, true) => 69,
        (false, false) => 0,
    })
}

fn verdict(found: &Value, paint: Paint) -> String {
    let (name, backup, outcome) = (text(found, "name"), text(found, "backup"), text(found, "outcome"));
    let seconds = |key: &str| found[key].as_u64().map(|ms| format!("{}.{:03} s", ms / 1_000, ms % 1_000));
    let word = if outcome == "ok" { paint.good(outcome) } else { paint.bold(outcome) };
    let mut said = format!("{word}  {name}  {backup}\n");
    let mut line = |label: &str, text: &str| {
        let _infallible = writeln!(said, "  {label:<6} {text}");
    };
    if let Some(reason) = found["reason"].as_str() {
        line(if outcome == "ok" { "note" } else { "why" }, reason);
    }
    if let Some(rpo) = seconds("rpo_ms") {
        line("rpo", &format!("{rpo}: so much would be lost with this machine"));
    }
    if let Some(rto) = seconds("rto_ms").filter(|_| outcome == "ok") {
        line(
            "rto",
            &format!("{rto}: so long a restore takes, {} changes after the snapshot included", found["commits"]),
        );
    }
    said
}

fn remarks(of: &Value, out: &mut dyn Write) -> Result<(), CliError> {
    for remark in of["remarks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        writeln!(out, "  note: {remark}")?;
    }
    Ok(())
}

fn rows(answer: &Value) -> &[Value] {
    answer["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or("?")
}

fn size(of: &Value) -> String {
    HumanBytes(of["stored_bytes"].as_u64().unwrap_or_default()).to_string()
}

fn query(name: Option<&str>, backup: Option<&str>) -> String {
    let pairs = [("name", name), ("backup", backup)];
    let pairs: Vec<String> =
        pairs.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", encoded(value?, UNRESERVED)))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}
