//! A row as it can be written: every field read, or the first that cannot be.

use std::sync::Arc;

use seawall_core::principal::Role;

use super::{
    report::Reject,
    row::{Fault, ImportOptions, ImportRow},
};
use crate::{
    mail::Email,
    password::Stored,
    users::{Name, roles},
};

/// The longest id of another system.
const LONGEST_ID: usize = 255;

/// A row whose fields are read. The password is not yet as it will be kept.
pub(super) struct Prepared {
    pub(super) position: String,
    pub(super) place: String,
    pub(super) name: Name,
    pub(super) email: Option<Email>,
    /// Those of the row and those for all.
    pub(super) roles: Vec<Role>,
    /// Whether the row says anything of roles.
    pub(super) told_roles: bool,
    pub(super) id: Option<String>,
    pub(super) disabled: Option<bool>,
    pub(super) password: Option<Kept>,
}

/// A stored password, and what is written of it.
pub(super) struct Kept {
    pub(super) stored: Arc<Stored>,
    pub(super) text: String,
    pub(super) wrapped: bool,
}

/// Reads the roles that are for all.
pub(super) fn default_roles(options: &ImportOptions) -> Result<Vec<Role>, String> {
    options.roles.iter().map(|name| Role::parse(name)).collect()
}

pub(super) fn read(row: &ImportRow, for_all: &[Role], options: &ImportOptions) -> Result<Prepared, Reject> {
    fields(row, for_all, options).map_err(|fault| refused(row, fault))
}

pub(super) fn refused(row: &ImportRow, fault: Fault) -> Reject {
    let Fault { field, reason } = fault;
    Reject { position: row.position.clone(), place: row.place.clone(), field, reason }
}

fn fields(row: &ImportRow, for_all: &[Role], options: &ImportOptions) -> Result<Prepared, Fault> {
    if let Some(fault) = &row.fault {
        return Err(fault.clone());
    }
    let typed = row.name.as_deref().ok_or_else(|| Fault::new("name", "the row has no name; give it one"))?;
    let name = Name::parse(typed).map_err(|error| Fault::new("name", error.to_string()))?;
    let given = row.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    let email = given.map(Email::parse).transpose();
    let email = email.map_err(|_| Fault::new("email", "this is no e-mail address; mend it, or leave it empty"))?;
    let id = row.id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    if id.is_some_and(|id| id.len() > LONGEST_ID || id.chars().any(char::is_control)) {
        return Err(Fault::new("id", "the id has more than 255 bytes, or a character that cannot be seen"));
    }
    let mut all = for_all.to_vec();
    for role in row.roles.iter().flatten() {
        all.push(Role::parse(role).map_err(|reason| Fault::new("roles", reason))?);
    }
    Ok(Prepared {
        position: row.position.clone(),
        place: row.place.clone(),
        name,
        email,
        roles: roles::in_order(all).map_err(|reason| Fault::new("roles", reason))?,
        told_roles: row.roles.is_some(),
        id: id.map(str::to_owned),
        disabled: row.disabled,
        password: password(row.password.as_deref(), options.format.as_deref())?,
    })
}

/// No password, and that of an account that was locked (`!`, `*`), are nobody's: such a user cannot sign in until it gets one.
fn password(text: Option<&str>, wanted: Option<&str>) -> Result<Option<Kept>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty() && !text.starts_with(['!', '*'])) else { return Ok(None) };
    let stored = Stored::parse(text).map_err(|error| Fault::new("password", error.to_string()))?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != stored.format().name()) {
        let reason =
            format!("it is {}, and `--format {wanted}` was said; leave that out, or mend the row", stored.format());
        return Err(Fault::new("password", reason));
    }
    Ok(Some(Kept { stored: Arc::new(stored), text: text.to_owned(), wrapped: false }))
}
