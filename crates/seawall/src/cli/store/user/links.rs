//! `seawall user links`: accounts elsewhere that somebody signs in with.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::{OneOptions, path, rows, shown::visible, text};
use crate::cli::{CliError, arguments::FileOption, paint::Paint, store::access::PeopleHolder};

#[derive(Debug, Args)]
pub(crate) struct LinksOptions {
    /// Take this one away, as the list names it. Sessions that were begun with it go on; `seawall user sign-out` ends them.
    #[arg(long, value_name = "ID", conflicts_with = "remove_all")]
    remove: Option<String>,
    /// Take all away.
    #[arg(long)]
    remove_all: bool,
    #[command(flatten)]
    one: OneOptions,
}

impl LinksOptions {
    pub(super) const fn file(&self) -> &FileOption {
        &self.one.file
    }

    pub(super) async fn run(&self, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
        let user = &self.one.user;
        if self.remove.is_none() && !self.remove_all {
            let links = holder.look(&path(user, "/links")).await?;
            return show(&links, self.one.json, paint, out);
        }
        let removed = holder.have_done(&path(user, "/links/remove"), &json!({ "link": self.remove })).await?;
        if self.one.json {
            return Ok(writeln!(out, "{removed}")?);
        }
        let count = removed.get("removed").and_then(Value::as_u64).unwrap_or_default();
        Ok(writeln!(out, "{count} {} taken away", if count == 1 { "account" } else { "accounts" })?)
    }
}

fn show(links: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let rows = rows(links);
    for link in rows {
        if json {
            writeln!(out, "{link}")?;
            continue;
        }
        let (id, at) = (paint.bold(text(link, "id")), text(link, "linked_at"));
        writeln!(out, "{id}  {} at {}  since {at}", visible(text(link, "subject")), visible(text(link, "issuer")))?;
    }
    if rows.is_empty() && !json {
        writeln!(out, "no account elsewhere")?;
    }
    Ok(())
}
