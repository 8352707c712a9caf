//! For which organisation a principal acts, in which role, and what the organisation's tier allows.

use std::{fmt, sync::Arc};

use http::HeaderValue;

use crate::principal::Role;

/// The organisation that a principal acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organisation's id.
    pub organisation: Arc<str>,
    /// The role in it.
    pub role: Role,
    /// Its tier.
    pub tier: Option<Tier>,
    /// Whether the tier says how often its members may ask.
    pub limited: bool,
    /// What the application behind is told, prepared.
    pub told: ToldMembership,
}

/// What the application behind is told of a membership, as values of header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldMembership {
    /// The organisation's id.
    pub organisation: HeaderValue,
    /// The role in it.
    pub role: HeaderValue,
    /// Its tier.
    pub tier: Option<HeaderValue>,
}

impl Membership {
    /// Prepares it; nothing when the id can stand in no header field.
    #[must_use]
    pub fn new(organisation: &str, role: Role, tier: Option<Tier>) -> Option<Self> {
        let told = ToldMembership {
            organisation: HeaderValue::from_str(organisation).ok()?,
            role: HeaderValue::from_str(role.as_str()).ok()?,
            tier: tier.as_ref().and_then(|tier| HeaderValue::from_str(tier.as_str()).ok()),
        };
        Some(Self { organisation: organisation.into(), role, tier, limited: false, told })
    }
}

/// The name of a tier: `pro`. Spelled as names of roles are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tier(Role);

impl Tier {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Role::parse(text).map(Self).map_err(|fault| fault.replacen("of a role", "of a tier", 1))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
