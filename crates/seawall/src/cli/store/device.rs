//! `seawall device`: devices that people paired.

use std::io::Write;

use clap::{Args, Subcommand};
use seawall_core::http::percent::{PART, encoded};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, PeopleHolder},
    key::{text, visible},
};

/// Devices asked for at once.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Show all devices, or those of a user.
    List(ListOptions),
    /// Revoke a device, at once; its sockets close.
    Revoke(RevokeOptions),
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
    /// The id, as `seawall device list` shows it.
    #[arg(value_name = "ID")]
    device: String,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl DeviceCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::List(options) => &options.file,
            Self::Revoke(options) => &options.file,
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
            Self::List(options) => {
                let path = match &options.user {
                    Some(user) => format!("/api/users/{}/devices?", encoded(user, PART)),
                    None => format!("/api/devices?limit={PAGE}&"),
                };
                for_each(holder, &path, |device| row(device, options.json, paint, out)).await
            }
            Self::Revoke(options) => {
                let path = format!("/api/devices/{}/revoke", encoded(&options.device, PART));
                row(&holder.have_done(&path, &json!({})).await?, options.json, paint, out)
            }
        }
    }
}

/// Asks page by page. The path ends where a parameter can follow.
pub(super) async fn for_each(
    holder: &PeopleHolder,
    path: &str,
    mut each: impl FnMut(&Value) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut after = String::new();
    loop {
        let page = holder.look(&format!("{path}{after}")).await?;
        for one in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            each(one)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("after={next}"),
            None => return Ok(()),
        }
    }
}

fn row(device: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{device}")?);
    }
    let used = match device["used_at"].as_str() {
        Some(at) => format!("used {at} from {}", text(device, "used_from")),
        None => "never used".to_owned(),
    };
    Ok(writeln!(
        out,
        "{}  {}  {}  paired {} from {}  {used}  {}",
        paint.bold(text(device, "id")),
        visible(text(device, "name")),
        text(device, "state"),
        text(device, "created_at"),
        text(device, "paired_from"),
        paint.dim(&format!("user {}", text(device, "user")))
    )?)
}
