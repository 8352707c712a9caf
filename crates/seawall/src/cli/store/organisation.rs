//! `seawall organisation`: organisations, their members and tiers.

use std::io::Write;

use clap::{Args, Subcommand};
use seawall_core::http::percent::{PART, encoded};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, PeopleHolder},
    device::for_each,
    key::{text, visible},
};

/// Rows asked for at once.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum OrganisationCommand {
    /// Add an organisation.
    Add(AddOptions),
    /// Show all organisations.
    List(ListOptions),
    /// Show the members of an organisation, or change one.
    Members(MembersOptions),
    /// Give an organisation a tier of the configuration, or none.
    Tier(TierOptions),
    /// Remove an organisation. Its members stay; keys and devices that act for it hold no longer.
    Remove(OneOptions),
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
    /// The name or the id.
    #[arg(value_name = "ORGANISATION")]
    organisation: String,
    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct AddOptions {
    /// The tier, as [identity.tiers.NAME] names it.
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    #[command(flatten)]
    one: OneOptions,
}

#[derive(Debug, Args)]
pub(crate) struct MembersOptions {
    /// Make this user a member, or give a member another role.
    #[arg(long, value_name = "USER", requires = "role")]
    set: Option<String>,
    /// The role in the organisation.
    #[arg(long, value_name = "ROLE", requires = "set")]
    role: Option<String>,
    /// Take this user out of it.
    #[arg(long, value_name = "USER", conflicts_with = "set")]
    remove: Option<String>,
    #[command(flatten)]
    one: OneOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TierOptions {
    /// The tier; without it, none.
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    #[command(flatten)]
    one: OneOptions,
}

impl OrganisationCommand {
    const fn options(&self) -> &ListOptions {
        match self {
            Self::List(options) => options,
            Self::Add(options) => &options.one.list,
            Self::Members(options) => &options.one.list,
            Self::Tier(options) => &options.one.list,
            Self::Remove(options) => &options.list,
        }
    }

    pub(super) const fn file(&self) -> &FileOption {
        &self.options().file
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.people().await?;
        let outcome = self.carry_out(&holder, paint, out).await;
        holder.close().await;
        outcome.map(|()| 0)
    }

    async fn carry_out(&self, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
        let json = self.options().json;
        match self {
            Self::List(_) => {
                for_each(holder, &format!("/api/organisations?limit={PAGE}&"), |one| row(one, json, paint, out)).await
            }
            Self::Add(AddOptions { tier, one }) => {
                let asked = json!({ "name": one.organisation, "tier": tier });
                row(&holder.have_done("/api/organisations", &asked).await?, json, paint, out)
            }
            Self::Tier(TierOptions { tier, one }) => {
                let answer = holder.have_done(&format!("{}/tier", path(one)), &json!({ "tier": tier })).await?;
                row(&answer, json, paint, out)
            }
            Self::Remove(one) => {
                let answer = holder.have_done(&format!("{}/remove", path(one)), &json!({})).await?;
                if json {
                    return Ok(writeln!(out, "{answer}")?);
                }
                Ok(writeln!(out, "removed {}", text(&answer, "removed"))?)
            }
            Self::Members(options) => {
                let members = format!("{}/members", path(&options.one));
                if let Some(user) = options.set.as_ref().or(options.remove.as_ref()) {
                    holder.have_done(&members, &json!({ "user": user, "role": options.role })).await?;
                }
                for_each(holder, &format!("{members}?limit={PAGE}&"), |one| member(one, json, paint, out)).await
            }
        }
    }
}

fn path(one: &OneOptions) -> String {
    format!("/api/organisations/{}", encoded(&one.organisation, PART))
}

fn row(one: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{one}")?);
    }
    let tier = one["tier"].as_str().map_or_else(|| "no tier".to_owned(), |tier| format!("tier {tier}"));
    let (name, id) = (visible(text(one, "name")), format!("id {}", text(one, "id")));
    Ok(writeln!(out, "{}  {tier}  {}", paint.bold(&name), paint.dim(&id))?)
}

fn member(one: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{one}")?);
    }
    let (name, id) = (visible(text(one, "name")), format!("id {}", text(one, "user")));
    Ok(writeln!(out, "{}  {}  {}", paint.bold(&name), text(one, "role"), paint.dim(&id))?)
}
