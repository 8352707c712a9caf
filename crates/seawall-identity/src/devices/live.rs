//! A device in memory: whose it is, whether it holds, and when its use is written down.

use std::sync::Arc;

use seawall_core::principal::Principal;
use seawall_store::{FromRow, Row, StoreError};
use subtle::ConstantTimeEq;

use crate::{
    keys::{Why, form::Digest},
    last_use::LastUse,
    organisations::{Tiers, membership},
    users::roles,
};

/// A device that is kept, whether it holds or not.
#[derive(Debug)]
pub(crate) struct LiveDevice {
    principal: Arc<Principal>,
    digest: Digest,
    ended: Option<Why>,
    last_use: LastUse,
}

impl LiveDevice {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.principal.id
    }

    /// With what its organisation's tier allows.
    pub(super) fn with(self, tiers: &Tiers) -> Self {
        Self { principal: tiers.limit(self.principal), ..self }
    }

    /// Uses it: whom it shows, and whether that is to be written down. The secret is compared first, and in constant time.
    pub(super) fn use_at(&self, digest: &Digest, now_us: i64) -> Result<(Arc<Principal>, bool), Why> {
        if !bool::from(self.digest.ct_eq(digest)) {
            return Err(Why::WrongSecret);
        }
        if let Some(why) = self.ended {
            return Err(why);
        }
        let write = self.last_use.due(now_us);
        Ok((Arc::clone(&self.principal), write))
    }

    /// What it takes in memory beyond itself.
    pub(super) fn weight(&self) -> u64 {
        let roles: usize = self.principal.roles.iter().map(|role| 2 * role.as_str().len() + 48).sum();
        (size_of::<Self>() + size_of::<Principal>() + 1_536 + 4 * self.principal.name.len() + roles) as u64
    }
}

/// `id, secret_digest, created_at, used_at, revoked_at, organisation_id` of the device, `id, name, roles, disabled` of its owner,
/// `role` in the organisation, and its `tier`.
impl FromRow for LiveDevice {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (id, owner, name, given): (String, String, String, String) =
            (row.at(0)?, row.at(6)?, row.at(7)?, row.at(8)?);
        let made_at = u64::try_from(row.at::<i64>(2)?).unwrap_or_default();
        let principal = Principal::device(&id, &owner, &name, &roles::read(&given), made_at);
        let principal = principal.ok_or_else(|| StoreError::Column {
            column: "devices.id".to_owned(),
            found: "text that was not written here",
            expected: "letters and digits",
        })?;
        let organisation: Option<String> = row.at(5)?;
        let membership = membership(organisation.as_deref(), row.at(10)?, row.at(11)?)?;
        // A device that was paired for an organisation does not act without it.
        let left = organisation.is_some() && membership.is_none();
        let ended = match (row.at::<Option<i64>>(4)?, row.at(9)?) {
            (Some(_), _) => Some(Why::Revoked),
            (None, true) => Some(Why::OwnerKeptOut),
            (None, false) => left.then_some(Why::OwnerKeptOut),
        };
        Ok(Self {
            principal: Arc::new(match membership {
                Some(membership) => principal.acting_for(membership, &[]),
                None => principal,
            }),
            digest: row.at(1)?,
            ended,
            last_use: LastUse::written(row.at::<Option<i64>>(3)?.unwrap_or_default()),
        })
    }
}
