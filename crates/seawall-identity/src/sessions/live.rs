//! A session in memory: whom it shows, until when, and when its use is written down.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use seawall_core::principal::{Principal, SessionFacts};
use seawall_store::{FromRow, Row, StoreError};

use crate::last_use::LastUse;
use crate::{
    organisations::{Tiers, membership},
    users::roles,
};

/// How often its use is noted in memory, which all cores share.
const NOTE_EVERY_US: i64 = 1_000_000;

/// A session that has not ended.
#[derive(Debug)]
pub(crate) struct Live {
    principal: Arc<Principal>,
    idle_us: i64,
    expires_at: i64,
    used_at: AtomicI64,
    last_use: LastUse,
}

/// What a use of a session comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It holds. Its use is to be written down if so.
    Holds { principal: Arc<Principal>, write: bool },
    /// It has expired.
    Expired,
}

impl Live {
    /// The id of the session.
    pub(crate) fn id(&self) -> &str {
        self.principal.session.as_deref().unwrap_or_default()
    }

    /// Uses it.
    pub(crate) fn use_at(&self, now_us: i64) -> Use {
        let used_at = self.used_at.load(Ordering::Relaxed);
        if now_us >= self.expires_at || now_us >= used_at.saturating_add(self.idle_us) {
            return Use::Expired;
        }
        if now_us >= used_at.saturating_add(NOTE_EVERY_US) {
            self.used_at.fetch_max(now_us, Ordering::Relaxed);
        }
        let write = self.last_use.due(now_us);
        Use::Holds { principal: Arc::clone(&self.principal), write }
    }

    /// With what its organisation's tier allows.
    pub(crate) fn with(self, tiers: &Tiers) -> Self {
        Self { principal: tiers.limit(self.principal), ..self }
    }

    /// What it takes in memory beyond itself.
    pub(crate) fn weight(&self) -> u64 {
        let roles: usize = self.principal.roles.iter().map(|role| role.as_str().len() + 48).sum();
        (size_of::<Self>() + size_of::<Principal>() + 1_536 + 4 * self.principal.name.len() + 2 * roles) as u64
    }
}

/// `id, used_at, idle_us, expires_at, authenticated_at` of the session, `id, name, roles` of the user, `second_factor` of the session,
/// the organisation that it acts for, the role in it, and its tier.
impl FromRow for Live {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (id, used_at, expires_at): (String, i64, i64) = (row.at(0)?, row.at(1)?, row.at(3)?);
        let facts = SessionFacts {
            id: id.into(),
            authenticated_at_unix_us: u64::try_from(row.at::<i64>(4)?).unwrap_or_default(),
            expires_at_unix_us: u64::try_from(expires_at).ok(),
            second_factor: row.at(8)?,
        };
        let (user, name, given): (String, String, String) = (row.at(5)?, row.at(6)?, row.at(7)?);
        let principal = Principal::user(&user, &name, &roles::read(&given), facts);
        let organisation: Option<String> = row.at(9)?;
        let membership = membership(organisation.as_deref(), row.at(10)?, row.at(11)?)?;
        let unfit = || StoreError::Column {
            column: "users.id".to_owned(),
            found: "text that no header field can hold",
            expected: "a UUID",
        };
        Ok(Self {
            principal: Arc::new(match (principal.ok_or_else(unfit)?, membership) {
                (principal, Some(membership)) => principal.acting_for(membership, &[]),
                (principal, None) => principal,
            }),
            idle_us: row.at(2)?,
            expires_at,
            used_at: AtomicI64::new(used_at),
            last_use: LastUse::written(used_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn live() -> Live {
        let facts = SessionFacts {
            id: "s1".into(),
            authenticated_at_unix_us: 0,
            expires_at_unix_us: None,
            second_factor: false,
        };
        let principal = Arc::new(Principal::user("u1", "Ann", &[], facts).unwrap());
        let (idle_us, expires_at) = (900 * S, 28_800 * S);
        Live { principal, idle_us, expires_at, used_at: AtomicI64::new(0), last_use: LastUse::written(0) }
    }

    fn holds(used: &Use) -> Option<bool> {
        match used {
            Use::Holds { write, .. } => Some(*write),
            Use::Expired => None,
        }
    }

    #[test]
    fn a_thousand_uses_a_second_write_once_a_minute() {
        let live = live();
        let writes = (0..180_000).filter(|step| holds(&live.use_at(step * S / 1_000)) == Some(true)).count();
        assert_eq!(writes, 2, "at 60 s and at 120 s");
    }

    #[test]
    fn it_ends_without_use_and_at_the_latest_with_use() {
        let idle = live();
        assert_eq!(holds(&idle.use_at(899 * S)), Some(true));
        assert_eq!(holds(&idle.use_at(1_798 * S)), Some(true));
        assert_eq!(holds(&idle.use_at((1_798 + 900) * S)), None);
        let used = live();
        let last = (0..1_000).map(|step| step * 600 * S).find(|&at| holds(&used.use_at(at)).is_none());
        assert_eq!(last, Some(28_800 * S));
    }
}
