//! `seawall identity`: the keys that sign tokens.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::Access,
};

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Show the keys that sign tokens, or put another in their place.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show all: from when each signs, and until when it is published.
    List(ListOptions),
    /// Make another key. It is published for ten minutes before it signs, and the old one until its last token has expired.
    Rotate(RotateOptions),
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
pub(crate) struct RotateOptions {
    /// Sign with it at once and remove all others, because one has been seen by a stranger: every access token is refused from then on,
    /// and programs refresh theirs.
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    list: ListOptions,
}

impl IdentityCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Keys(KeysCommand::List(options)) => &options.file,
            Self::Keys(KeysCommand::Rotate(options)) => &options.list.file,
        }
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.people().await?;
        let (answer, json) = match self {
            Self::Keys(KeysCommand::List(options)) => (holder.look("/api/signing-keys").await, options.json),
            Self::Keys(KeysCommand::Rotate(options)) => {
                let body = json!({ "at_once": options.at_once });
                (holder.have_done("/api/signing-keys/rotate", &body).await, options.list.json)
            }
        };
        holder.close().await;
        show(&answer?, json, paint, out)?;
        Ok(0)
    }
}

fn show(answer: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let keys = answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for key in keys {
        if json {
            writeln!(out, "{key}")?;
            continue;
        }
        let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
        let state = if key.get("signs") == Some(&Value::Bool(true)) { "signs" } else { "     " };
        let kid = paint.bold(text("kid"));
        writeln!(
            out,
            "{kid}  {state}  signs from {}  published until {} at the latest",
            text("signs_at"),
            text("ends_at")
        )?;
    }
    if keys.is_empty() && !json {
        writeln!(out, "no key: the first is made when the first token is signed")?;
    }
    Ok(())
}
