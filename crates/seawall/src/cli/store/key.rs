//! `seawall key`: API keys of users, for programs.

use std::io::Write;

use clap::{Args, Subcommand};
use seawall_core::http::percent::{PART, encoded};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, PeopleHolder},
};

/// Keys asked for at once.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key for a user, and show it once.
    Add(AddOptions),
    /// Show all keys, or those of a user.
    List(ListOptions),
    /// Take a key back, at once.
    Revoke(RevokeOptions),
    /// Make a successor with the same settings, and show it once; the key itself goes on for a while.
    Rotate(RotateOptions),
}

#[derive(Debug, Args)]
pub(crate) struct AddOptions {
    /// The name or the id of the user whose key it is.
    #[arg(value_name = "USER")]
    user: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// A scope, as named by `scopes` in [identity]; give it again for another.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A network from which alone it may be used, such as 10.0.0.0/8; give it again for another.
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// How often it may be used, such as 100/min.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// After which time it ends, such as 90day [default: it does not].
    #[arg(long, value_name = "TIME")]
    expires_in: Option<String>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only those of this user.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeOptions {
    /// The id, as `seawall key list` shows it.
    #[arg(value_name = "ID")]
    key: String,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RotateOptions {
    /// How long the key itself goes on [default: 24h].
    #[arg(long, value_name = "TIME")]
    overlap: Option<String>,
    #[command(flatten)]
    one: RevokeOptions,
}

impl KeyCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Add(options) => &options.file,
            Self::List(options) => &options.file,
            Self::Revoke(options) => &options.file,
            Self::Rotate(options) => &options.one.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.people().await?;
        let outcome = self.carry_out(&holder, paint, out).await;
        holder.close().await;
        outcome.map(|()| 0)
    }

    async fn carry_out(&self, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Add(options) => {
                let AddOptions { label, scopes, networks, rate, expires_in, .. } = options;
                let asked = json!({
                    "label": label, "scopes": scopes, "networks": networks, "rate": rate, "expires_in": expires_in,
                });
                let path = format!("/api/users/{}/keys", encoded(&options.user, PART));
                made(&holder.have_done(&path, &asked).await?, options.json, paint, out)
            }
            Self::List(options) => list(options, holder, paint, out).await,
            Self::Revoke(options) => {
                let path = format!("/api/keys/{}/revoke", encoded(&options.key, PART));
                row(&holder.have_done(&path, &json!({})).await?, options.json, paint, out)
            }
            Self::Rotate(options) => {
                let path = format!("/api/keys/{}/rotate", encoded(&options.one.key, PART));
                let answer = holder.have_done(&path, &json!({ "overlap": options.overlap })).await?;
                made(&answer, options.one.json, paint, out)
            }
        }
    }
}

async fn list(options: &ListOptions, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let path = match &options.user {
        Some(user) => format!("/api/users/{}/keys?", encoded(user, PART)),
        None => format!("/api/keys?limit={PAGE}&"),
    };
    let mut after = String::new();
    loop {
        let page = holder.look(&format!("{path}{after}")).await?;
        for key in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            row(key, options.json, paint, out)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("after={next}"),
            None => return Ok(()),
        }
    }
}

/// A key that was made, which is shown this once.
fn made(key: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    row(key, json, paint, out)?;
    if !json {
        writeln!(out, "key: {}\nIt is shown this once.", text(key, "key"))?;
    }
    Ok(())
}

/// A key without what opens anything.
fn row(key: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{key}")?);
    }
    let bounds =
        [("scopes", words(key, "scopes")), ("from", words(key, "networks")), ("rate", text(key, "rate").into())];
    let bounds: String =
        bounds.iter().filter(|(_, bound)| !bound.is_empty()).map(|(what, bound)| format!("  {what} {bound}")).collect();
    let used = match key["used_at"].as_str() {
        Some(at) => format!("used {at} from {}", text(key, "used_from")),
        None => "never used".to_owned(),
    };
    let ends = key["expires_at"].as_str().map(|at| format!("  ends {at}")).unwrap_or_default();
    Ok(writeln!(
        out,
        "{}  {}  {}{bounds}  {used}{ends}  {}",
        paint.bold(text(key, "id")),
        visible(text(key, "label")),
        text(key, "state"),
        paint.dim(&format!("user {}", text(key, "user")))
    )?)
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn words(value: &Value, key: &str) -> String {
    let words: Vec<&str> = value[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(", ")
}

/// What people wrote, without what a terminal would obey.
pub(in crate::cli) fn visible(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
