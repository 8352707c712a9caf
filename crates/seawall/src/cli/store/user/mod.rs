//! `seawall user`: people who may sign in, what they may do, and their sessions.

mod links;
mod password;
mod shown;

use std::io::Write;

use clap::{Args, Subcommand};
use seawall_core::{
    http::percent::{PART, encoded},
    settings::Secret,
};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, PeopleHolder},
};

/// Users asked for at once.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add somebody. The password is asked for, unless it comes from elsewhere.
    Add(AddOptions),
    /// Show all, in the order in which they were added.
    List(ListOptions),
    /// Keep somebody out: all sessions end at once.
    Disable(OneOptions),
    /// Let somebody in again.
    Enable(OneOptions),
    /// Delete somebody: sessions end, and the name is erased, from the audit log too.
    Delete(DeleteOptions),
    /// Make a token with which somebody chooses a password, once and within 30 minutes.
    Reset(OneOptions),
    /// Give somebody an e-mail address, another one, or none.
    Email(EmailOptions),
    /// Show somebody's second factors, or remove them for who has lost them.
    Factors(FactorsOptions),
    /// Show somebody's accounts elsewhere, or take them away: whoever has one signs in by it.
    Links(links::LinksOptions),
    /// Show somebody's roles, or change them from the next request on.
    Roles(RolesOptions),
    /// Show from where somebody is signed in.
    Sessions(OneOptions),
    /// End somebody's sessions, or one of them.
    SignOut(SignOutOptions),
}

#[derive(Debug, Args)]
pub(crate) struct AddOptions {
    /// The name to sign in with.
    #[arg(value_name = "NAME")]
    name: String,
    /// A role; give it again for another.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Read the password from the first line of the standard input.
    #[arg(long, conflicts_with = "random_password")]
    password_stdin: bool,
    /// Make a random password, and show it once.
    #[arg(long)]
    random_password: bool,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    #[arg(skip)]
    password: Option<Secret>,
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
    /// The name, or the id.
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteOptions {
    /// Really do it: it cannot be undone.
    #[arg(long, required = true)]
    yes: bool,
    #[command(flatten)]
    one: OneOptions,
}

#[derive(Debug, Args)]
pub(crate) struct EmailOptions {
    #[command(flatten)]
    one: OneOptions,
    /// The address.
    #[arg(value_name = "ADDRESS", required_unless_present = "remove")]
    address: Option<String>,
    /// Take the address away.
    #[arg(long, conflicts_with = "address")]
    remove: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FactorsOptions {
    /// Remove them, passkeys too: the password alone signs in, and all sessions end.
    #[arg(long)]
    remove: bool,
    /// Remove this passkey alone; all sessions end.
    #[arg(long, value_name = "ID", conflicts_with = "remove")]
    remove_passkey: Option<String>,
    #[command(flatten)]
    one: OneOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RolesOptions {
    /// Give this role; give the option again for another.
    #[arg(long, value_name = "ROLE")]
    add: Vec<String>,
    /// Take this role away; give the option again for another.
    #[arg(long, value_name = "ROLE")]
    remove: Vec<String>,
    #[command(flatten)]
    one: OneOptions,
}

#[derive(Debug, Args)]
pub(crate) struct SignOutOptions {
    /// Only this session, as `seawall user sessions` names it.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    #[command(flatten)]
    one: OneOptions,
}

impl UserCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Add(options) => &options.file,
            Self::List(options) => &options.file,
            Self::Disable(options) | Self::Enable(options) | Self::Sessions(options) | Self::Reset(options) => {
                &options.file
            }
            Self::Delete(options) => &options.one.file,
            Self::Email(options) => &options.one.file,
            Self::Factors(options) => &options.one.file,
            Self::Links(options) => options.file(),
            Self::Roles(options) => &options.one.file,
            Self::SignOut(options) => &options.one.file,
        }
    }

    /// Gets the password that the command needs, before anything is opened.
    pub(super) fn read_password(&mut self) -> Result<(), CliError> {
        let Self::Add(options) = self else { return Ok(()) };
        let read = match (options.password_stdin, options.random_password) {
            (true, _) => password::from_standard_input(),
            (_, true) => password::random(),
            (false, false) => password::from_terminal(&options.name),
        };
        options.password = Some(read.map_err(|error| CliError::Usage(format!("error: {error}\n")))?);
        Ok(())
    }

    pub(super) async fn run(&self, access: &Access, paint: Paint, out: &mut dyn Write) -> Result<u8, CliError> {
        let holder = access.people().await?;
        let outcome = self.carry_out(&holder, paint, out).await;
        holder.close().await;
        outcome.map(|()| 0)
    }

    async fn carry_out(&self, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Add(options) => add(options, holder, paint, out).await,
            Self::List(options) => list(options, holder, paint, out).await,
            Self::Disable(options) => {
                let user = holder.have_done(&path(&options.user, "/disable"), &json!({})).await?;
                shown::user(&user, "kept out", options.json, paint, out)
            }
            Self::Enable(options) => {
                let user = holder.have_done(&path(&options.user, "/enable"), &json!({})).await?;
                shown::user(&user, "let in", options.json, paint, out)
            }
            Self::Delete(options) => {
                let deleted = holder.have_done(&path(&options.one.user, "/delete"), &json!({})).await?;
                shown::deleted(&deleted, options.one.json, out)
            }
            Self::Reset(options) => {
                let offer = holder.have_done(&path(&options.user, "/reset"), &json!({})).await?;
                shown::reset(&offer, options.json, out)
            }
            Self::Email(options) => {
                let body = json!({ "email": options.address });
                let user = holder.have_done(&path(&options.one.user, "/email"), &body).await?;
                let what = if options.remove { "has no address" } else { "has another address" };
                shown::user(&user, what, options.one.json, paint, out)
            }
            Self::Factors(options) => factors(options, holder, out).await,
            Self::Links(options) => options.run(holder, paint, out).await,
            Self::Roles(options) => roles(options, holder, paint, out).await,
            Self::Sessions(options) => {
                let sessions = holder.look(&path(&options.user, "/sessions")).await?;
                shown::sessions(&sessions, options.json, paint, out)
            }
            Self::SignOut(options) => sign_out(options, holder, out).await,
        }
    }
}

async fn add(options: &AddOptions, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let password = options.password.as_ref().map(Secret::expose);
    let body = json!({ "name": options.name, "email": options.email, "roles": options.roles, "password": password });
    let mut user = holder.have_done("/api/users", &body).await?;
    let made = password.filter(|_| options.random_password);
    if options.json {
        if let (Some(made), Some(fields)) = (made, user.as_object_mut()) {
            fields.insert("password".to_owned(), made.into());
        }
        return Ok(writeln!(out, "{user}")?);
    }
    shown::user(&user, "added", false, paint, out)?;
    if let Some(made) = made {
        writeln!(out, "password: {made}\nIt is shown this once.")?;
    }
    Ok(())
}

async fn list(options: &ListOptions, holder: &PeopleHolder, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let mut after = String::new();
    loop {
        let page = holder.look(&format!("/api/users?limit={PAGE}{after}")).await?;
        for user in rows(&page) {
            shown::row(user, options.json, paint, out)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(()),
        }
    }
}

async fn roles(
    options: &RolesOptions,
    holder: &PeopleHolder,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let user = &options.one.user;
    let shown = if options.add.is_empty() && options.remove.is_empty() {
        holder.look(&path(user, "")).await?
    } else {
        holder.have_done(&path(user, "/roles"), &json!({ "add": options.add, "remove": options.remove })).await?
    };
    shown::user(&shown, "has", options.one.json, paint, out)
}

async fn factors(options: &FactorsOptions, holder: &PeopleHolder, out: &mut dyn Write) -> Result<(), CliError> {
    let user = &options.one.user;
    let shown = match &options.remove_passkey {
        Some(passkey) => {
            let rest = format!("/passkeys/{}/remove", encoded(passkey, PART));
            holder.have_done(&path(user, &rest), &json!({})).await?
        }
        None if options.remove => holder.have_done(&path(user, "/factors/remove"), &json!({})).await?,
        None => holder.look(&path(user, "/factors")).await?,
    };
    shown::factors(&shown, options.one.json, out)
}

async fn sign_out(options: &SignOutOptions, holder: &PeopleHolder, out: &mut dyn Write) -> Result<(), CliError> {
    let path = path(&options.one.user, "/sign-out");
    let answer = holder.have_done(&path, &json!({ "session": options.session })).await?;
    if options.one.json {
        return Ok(writeln!(out, "{answer}")?);
    }
    let ended = answer.get("ended").and_then(Value::as_u64).unwrap_or_default();
    Ok(writeln!(out, "{ended} {} ended", if ended == 1 { "session" } else { "sessions" })?)
}

/// The path of a user, whose name may hold anything.
fn path(user: &str, rest: &str) -> String {
    format!("/api/users/{}{rest}", encoded(user, PART))
}

/// A text of an answer.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The rows of a list.
fn rows(page: &Value) -> &[Value] {
    page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
