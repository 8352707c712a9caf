//! Users and sessions as people read them.

use std::io::Write;

use serde_json::Value;

use super::{rows, text};
use crate::cli::{CliError, paint::Paint};

/// What became of a user.
pub(super) fn user(user: &Value, what: &str, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{user}")?);
    }
    let name = paint.bold(&visible(text(user, "name")));
    Ok(writeln!(out, "{name} {what}: {}, {}", roles(user), text(user, "id"))?)
}

/// One user of a list.
pub(super) fn row(user: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{user}")?);
    }
    let name = visible(text(user, "name"));
    let name = paint.bold(&format!("{name:<24}"));
    let last =
        user["last_login_at"].as_str().map_or_else(|| "never signed in".to_owned(), |at| format!("signed in {at}"));
    let state = if user["disabled"] == true { "  kept out" } else { "" };
    Ok(writeln!(out, "{name}  {:<24}  {last}  {}{state}", roles(user), paint.dim(text(user, "id")))?)
}

/// A user that is no more.
pub(super) fn deleted(deleted: &Value, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{deleted}")?);
    }
    Ok(writeln!(out, "deleted: {}", text(deleted, "deleted"))?)
}

/// A token with which a password is chosen.
pub(super) fn reset(offer: &Value, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{offer}")?);
    }
    writeln!(out, "token: {}", text(offer, "token"))?;
    writeln!(
        out,
        "It is shown this once, serves once, and holds until {}: POST {{\"token\": …, \"password\": …}} to auth/reset.",
        text(offer, "expires_at")
    )?;
    Ok(())
}

/// What a user can show besides the password.
pub(super) fn factors(factors: &Value, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if json {
        return Ok(writeln!(out, "{factors}")?);
    }
    let passkeys = factors.get("passkeys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let codes = factors.get("recovery_codes").and_then(Value::as_u64).unwrap_or_default();
    match factors.pointer("/totp/enrolled_at").and_then(Value::as_str) {
        Some(at) => writeln!(out, "authenticator app since {at}, {codes} recovery codes left")?,
        None if passkeys.is_empty() => writeln!(out, "no second factor")?,
        None => writeln!(out, "no authenticator app, {codes} recovery codes left")?,
    }
    for passkey in passkeys {
        let used = passkey.get("used_at").and_then(Value::as_str).unwrap_or("never");
        let (id, name, made) = (text(passkey, "id"), text(passkey, "name"), text(passkey, "created_at"));
        writeln!(out, "passkey {id}: {name:?}, since {made}, last used {used}")?;
    }
    Ok(())
}

/// The sessions of a user.
pub(super) fn sessions(sessions: &Value, json: bool, paint: Paint, out: &mut dyn Write) -> Result<(), CliError> {
    let rows = rows(sessions);
    for session in rows {
        if json {
            writeln!(out, "{session}")?;
            continue;
        }
        writeln!(
            out,
            "{}  from {}  used {}  until {}  {}",
            paint.bold(text(session, "id")),
            text(session, "address"),
            text(session, "used_at"),
            text(session, "idle_at"),
            visible(text(session, "user_agent"))
        )?;
    }
    if rows.is_empty() && !json {
        writeln!(out, "no session")?;
    }
    Ok(())
}

fn roles(user: &Value) -> String {
    let names: Vec<&str> = user["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() { "no role".to_owned() } else { format!("role {}", names.join(", ")) }
}

/// What strangers wrote, without what a terminal would obey.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
