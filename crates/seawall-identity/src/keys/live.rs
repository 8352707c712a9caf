//! A key in memory: whose it is, from where and until when it holds, and when its use is written down.

use std::{net::IpAddr, sync::Arc};

use seawall_core::{
    http::Networks,
    principal::{KeyFacts, Principal},
};
use seawall_store::{FromRow, Row, StoreError};
use subtle::ConstantTimeEq;

use super::{
    form::Digest,
    wish::{networks, rate, scopes},
};
use crate::{
    last_use::LastUse,
    organisations::{Tiers, membership},
    users::roles,
};

/// A key that is kept, whether it holds or not: why it does not is told to operators.
#[derive(Debug)]
pub(crate) struct LiveKey {
    principal: Arc<Principal>,
    digest: Digest,
    networks: Networks,
    ended: Option<Why>,
    expires_at: Option<i64>,
    last_use: LastUse,
}

/// What a use of a key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It holds. Its use is to be written down if so.
    Holds { principal: Arc<Principal>, write: bool },
    /// It does not.
    Refused(Why),
}

/// Why a key, or the credential of a device, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Malformed,
    OtherKind,
    Unknown,
    WrongSecret,
    Revoked,
    Expired,
    OwnerKeptOut,
    Address,
}

impl Why {
    pub(super) const ALL: [Self; 8] = [
        Self::Malformed,
        Self::OtherKind,
        Self::Unknown,
        Self::WrongSecret,
        Self::Revoked,
        Self::Expired,
        Self::OwnerKeptOut,
        Self::Address,
    ];

    /// As it is recorded.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::OtherKind => "other environment",
            Self::Unknown => "unknown",
            Self::WrongSecret => "wrong secret",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OwnerKeptOut => "owner kept out",
            Self::Address => "address",
        }
    }
}

impl LiveKey {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.principal.id
    }

    /// Uses it. The secret is compared first, and in constant time, so that nobody learns of a key without it.
    pub(super) fn use_at(&self, digest: &Digest, client: IpAddr, now_us: i64) -> Use {
        if !bool::from(self.digest.ct_eq(digest)) {
            return Use::Refused(Why::WrongSecret);
        }
        if let Some(why) = self.ended {
            return Use::Refused(why);
        }
        if self.expires_at.is_some_and(|at| now_us >= at) {
            return Use::Refused(Why::Expired);
        }
        if !self.networks.is_empty() && !self.networks.contains(client) {
            return Use::Refused(Why::Address);
        }
        let write = self.last_use.due(now_us);
        Use::Holds { principal: Arc::clone(&self.principal), write }
    }

    /// With what its organisation's tier allows.
    pub(super) fn with(self, tiers: &Tiers) -> Self {
        Self { principal: tiers.limit(self.principal), ..self }
    }

    /// What it takes in memory beyond itself.
    pub(super) fn weight(&self) -> u64 {
        let names = self.principal.roles.iter().map(|role| role.as_str().len());
        let names = names.chain(self.principal.scopes.iter().flat_map(|all| all.iter().map(|one| one.as_str().len())));
        let names: usize = names.map(|length| 2 * length + 48).sum();
        (size_of::<Self>() + size_of::<Principal>() + 2_560 + 4 * self.principal.name.len() + names) as u64
    }
}

/// `id, secret_digest, scopes, networks, rate, created_at, expires_at, used_at, revoked_at` of the key, `id, name, roles, disabled` of
/// its owner, `organisation_id` of the key, `role` in it, and its `tier`.
impl FromRow for LiveKey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let unfit = |column: &str, expected| StoreError::Column {
            column: column.to_owned(),
            found: "text that was not written here",
            expected,
        };
        let (id, given): (String, String) = (row.at(0)?, row.at(2)?);
        let rate_text: Option<String> = row.at(4)?;
        let rate = rate_text.map(|text| rate(&text).ok_or_else(|| unfit("api_keys.rate", "a rate"))).transpose()?;
        let networks = networks(&row.at::<String>(3)?).ok_or_else(|| unfit("api_keys.networks", "networks"))?;
        let expires_at: Option<i64> = row.at(6)?;
        let facts = KeyFacts {
            scopes: scopes(&given).into(),
            rate,
            made_at_unix_us: u64::try_from(row.at::<i64>(5)?).unwrap_or_default(),
            expires_at_unix_us: expires_at.and_then(|at| u64::try_from(at).ok()),
        };
        let (owner, name, given): (String, String, String) = (row.at(9)?, row.at(10)?, row.at(11)?);
        let principal = Principal::key(&id, &owner, &name, &roles::read(&given), facts);
        let principal = principal.ok_or_else(|| unfit("api_keys.id", "letters and digits"))?;
        let organisation: Option<String> = row.at(13)?;
        let membership = membership(organisation.as_deref(), row.at(14)?, row.at(15)?)?;
        // A key that was made for an organisation does not act without it.
        let left = organisation.is_some() && membership.is_none();
        let ended = match (row.at::<Option<i64>>(8)?, row.at(12)?) {
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
            networks,
            ended,
            expires_at,
            last_use: LastUse::written(row.at::<Option<i64>>(7)?.unwrap_or_default()),
        })
    }
}
