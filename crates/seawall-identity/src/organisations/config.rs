//! Section `[identity.tiers]` and its entries `[identity.tiers.NAME]`.

use seawall_core::{
    limit::Quota,
    membership::Tier,
    settings::{Complaint, Field, Literal, Section, Situation, Values},
};

/// The most limits of one tier: beside them hold those of a route, and the rate of a key.
const MOST: usize = 3;

pub(super) const LIMITS: Field<Vec<Quota>> = Field::new(
    "limits",
    Literal::Texts(&[]),
    "How often whoever acts for an organisation of this tier may ask, such as \"100/min per user\" and \"1000/hour per org\", over all routes together. They take the place of what `[rate_limit]` says for everybody of users, keys and organisations; what it says by address, and what a route says itself, holds beside them. Empty leaves it to `[rate_limit]`.",
)
.needs_restart();

/// The section.
pub static SECTION: Section =
    Section::new("identity.tiers", "Tiers of organisations; `seawall organisation tier` gives one.", &[])
        .with_entries(&[LIMITS.spec()])
        .with_entry_demands(demands);

fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let complain = |what: String, help: &str| Complaint { key: Some(LIMITS.key()), what, help: help.to_owned() };
    if let Err(what) = Tier::parse(name) {
        return vec![Complaint { key: None, what, help: "rename the entry".to_owned() }];
    }
    let limits = values.get(&LIMITS).unwrap_or_default();
    if let Some(other) = limits.iter().find(|quota| !quota.per.principal()) {
        let what = format!("\"{other}\" counts addresses, which have no tier");
        return vec![complain(
            what,
            "write \"per user\", \"per key\" or \"per org\"; what holds by address stands in [rate_limit]",
        )];
    }
    if limits.len() > MOST {
        let what = format!("{} limits are more than the {MOST} that a tier can have", limits.len());
        return vec![complain(what, "keep those that bind")];
    }
    Vec::new()
}
