//! `seawall mail`: whether letters can be sent, and those that could not.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption},
    access::Access,
};

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send a letter to an address now, and say what the mail server answered.
    Test(TestOptions),
    /// Show the letters that were set aside, because the server refuses them or was away for too long.
    Dead(ListOptions),
    /// Let a letter that was set aside be tried again.
    Retry(OneOptions),
    /// Throw a letter that was set aside away.
    Discard(OneOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Where to.
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneOptions {
    /// The letter, as `seawall mail dead` names it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    list: ListOptions,
}

impl MailCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Test(options) => &options.list.file,
            Self::Dead(options) => &options.file,
            Self::Retry(options) | Self::Discard(options) => &options.list.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.mail(!matches!(self, Self::Test(_))).await?;
        match self {
            Self::Test(options) => {
                let said = holder.have_done("/api/mail/test", &json!({ "address": options.address })).await?;
                if options.list.json {
                    writeln!(out, "{said}")?;
                } else {
                    writeln!(out, "{} took a letter to {}", text(&said, "taken_by"), text(&said, "address"))?;
                }
            }
            Self::Dead(options) => show(&holder.look("/api/mail/dead").await?, options.json, out)?,
            Self::Retry(options) => {
                let said = holder.have_done(&path(&options.id, "retry"), &json!({})).await?;
                done(&said, "is tried again", options.list.json, out)?;
            }
            Self::Discard(options) => {
                let said = holder.have_done(&path(&options.id, "discard"), &json!({})).await?;
                done(&said, "was thrown away", options.list.json, out)?;
            }
        }
        holder.close().await;
        Ok(0)
    }
}

fn path(id: &str, what: &str) -> String {
    let id: String = id.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-').collect();
    format!("/api/mail/dead/{id}/{what}")
}

fn show(page: &Value, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    let letters = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for letter in letters {
        if json {
            writeln!(out, "{letter}")?;
            continue;
        }
        let (id, made_at, failure) = (text(letter, "id"), text(letter, "made_at"), text(letter, "failure"));
        writeln!(out, "{id}  of {made_at}  for {}  {failure}", text(letter, "user"))?;
    }
    if letters.is_empty() && !json {
        writeln!(out, "no letter was set aside")?;
    }
    Ok(())
}

fn done(said: &Value, what: &str, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{said}")?);
    }
    Ok(writeln!(out, "{} {what}", text(said, "id"))?)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
