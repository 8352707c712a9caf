//! What tiers allow, prepared.

use std::{collections::BTreeMap, sync::Arc};

use seawall_core::{
    limit::ScopedQuota,
    membership::Tier,
    principal::Principal,
    settings::{BadSetting, Values},
};

use super::config::LIMITS;

/// The tiers of the configuration. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tiers(Arc<BTreeMap<Tier, Vec<ScopedQuota>>>);

impl Tiers {
    /// Reads the entries of the section.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(entries: &[(String, Values)]) -> Result<Self, BadSetting> {
        let mut tiers = BTreeMap::new();
        for (name, values) in entries {
            let tier = Tier::parse(name).map_err(|reason| BadSetting { key: LIMITS.key(), reason })?;
            // All tiers have the same counters, so that another tier goes on with what was counted.
            tiers.insert(tier, ScopedQuota::all("tier", &values.get(&LIMITS)?));
        }
        Ok(Self(Arc::new(tiers)))
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn knows(&self, tier: &Tier) -> bool {
        self.0.contains_key(tier)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(Tier::as_str)
    }

    /// The principal with what its organisation's tier allows.
    pub(crate) fn limit(&self, principal: Arc<Principal>) -> Arc<Principal> {
        let tier = principal.membership.as_ref().and_then(|membership| self.0.get(membership.tier.as_ref()?));
        match (tier.filter(|quotas| !quotas.is_empty()), principal.membership.clone()) {
            (Some(quotas), Some(membership)) => {
                Arc::new(Arc::unwrap_or_clone(principal).acting_for(membership, quotas))
            }
            _ => principal,
        }
    }
}
