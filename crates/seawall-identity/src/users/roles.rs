//! The roles of one user, as the table keeps them: names between commas, in order, each once.

use seawall_core::principal::Role;

/// The most roles of one user: the application is told all of them with each request.
const MOST: usize = 32;

/// Puts roles in the order in which they are kept.
///
/// # Errors
/// A sentence, when there are more than a user can have.
pub fn in_order(mut roles: Vec<Role>) -> Result<Vec<Role>, String> {
    roles.sort_unstable();
    roles.dedup();
    if roles.len() > MOST {
        return Err(format!("{} roles are more than the {MOST} that one user can have", roles.len()));
    }
    Ok(roles)
}

/// As they are kept.
#[must_use]
pub(crate) fn write(roles: &[Role]) -> String {
    roles.iter().map(Role::as_str).collect::<Vec<_>>().join(",")
}

/// Reads them. What is no role gives none.
#[must_use]
pub(crate) fn read(text: &str) -> Vec<Role> {
    text.split(',').filter_map(|name| Role::parse(name).ok()).collect()
}
