//! Organisations: who belongs to one, in which role, and what its tier allows.

mod config;
pub(crate) mod table;
mod tiers;

use seawall_core::{
    membership::{Membership, Tier},
    principal::Role,
};
use seawall_store::StoreError;

pub use config::SECTION;
pub use table::{Member, Organisation};
pub use tiers::Tiers;

/// What the tables say of a membership; nothing when there is none.
pub(crate) fn membership(
    organisation: Option<&str>,
    role: Option<String>,
    tier: Option<String>,
) -> Result<Option<Membership>, StoreError> {
    let unfit = |column: &str, expected| StoreError::Column {
        column: column.to_owned(),
        found: "text that was not written here",
        expected,
    };
    let (Some(organisation), Some(role)) = (organisation, role) else { return Ok(None) };
    let role = Role::parse(&role).map_err(|_| unfit("memberships.role", "a role"))?;
    let tier = tier.map(|tier| Tier::parse(&tier)).transpose().map_err(|_| unfit("organisations.tier", "a tier"))?;
    let membership = Membership::new(organisation, role, tier);
    membership.ok_or_else(|| unfit("organisations.id", "a UUID")).map(Some)
}
