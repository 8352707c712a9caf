//! Proof for the application behind: who asks, signed, for a minute (`X-Seawall-Token`).

use std::sync::Arc;

use http::HeaderValue;
use seawall_core::{
    clock::Now,
    membership::Tier,
    principal::{Principal, PrincipalKind, Role},
    scope::Scope,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::Names,
    jwt::{self, Kind, Opened},
    ring::KeyRing,
};

/// How long a proof is good, and how much of that is left at least when it is given, in seconds.
const LIFE_S: i64 = 60;
const LEFT_S: i64 = 30;

/// How old a proof may be that the application shows us in turn, in seconds. For others it holds a minute; here it only names for whom the
/// application calls, and an answer may take it long.
const SHOWN_BACK_S: i64 = 3_600;

/// Signs proof.
pub(crate) struct Proofs<'a> {
    pub(crate) ring: &'a KeyRing,
    pub(crate) names: &'a Names,
}

impl Proofs<'_> {
    /// Signing takes some tens of microseconds, so what was signed is kept with the principal and given until half of its minute is over.
    pub(crate) fn prove(&self, principal: &Principal, now: Now) -> Option<HeaderValue> {
        let now_s = i64::try_from(now.unix_us / 1_000_000).unwrap_or(i64::MAX);
        if let Some(kept) = principal.told.proof.get(now_s) {
            return Some(kept);
        }
        let keys = self.ring.known()?;
        let signer = keys.signer(i64::try_from(now.unix_us).unwrap_or(i64::MAX))?;
        let token = jwt::sign(signer, Kind::Proof, self.claims(principal, now_s).to_string().as_bytes())?;
        let mut value = HeaderValue::try_from(token).ok()?;
        value.set_sensitive(true);
        principal.told.proof.keep(value.clone(), now_s + LIFE_S - LEFT_S);
        Some(value)
    }

    /// For whom the application calls that shows this; nothing when it is no proof of ours, or too old.
    pub(crate) fn user_of(&self, token: &[u8], now: Now) -> Option<Arc<str>> {
        #[derive(Deserialize)]
        struct Shown {
            iss: String,
            aud: String,
            sub: String,
            iat: i64,
        }
        let keys = self.ring.known()?;
        let Opened::Signed(_, claims) = jwt::open(&keys, Kind::Proof, token) else { return None };
        let Shown { iss, aud, sub, iat } = serde_json::from_slice(&claims).ok()?;
        let age_s = i64::try_from(now.unix_us / 1_000_000).ok()?.checked_sub(iat)?;
        let ours = *iss == *self.names.issuer && *aud == *self.names.audience;
        (ours && (-LIFE_S..SHOWN_BACK_S).contains(&age_s)).then(|| sub.into())
    }

    fn claims(&self, principal: &Principal, now_s: i64) -> Value {
        let mut claims = Map::from_iter([
            ("iss".to_owned(), json!(self.names.issuer)),
            ("aud".to_owned(), json!(self.names.audience)),
            ("sub".to_owned(), json!(&**principal.user_id())),
            ("name".to_owned(), json!(&*principal.name)),
            ("roles".to_owned(), json!(principal.roles.iter().map(Role::as_str).collect::<Vec<_>>())),
            ("iat".to_owned(), json!(now_s)),
            ("nbf".to_owned(), json!(now_s)),
            ("exp".to_owned(), json!(now_s + LIFE_S)),
        ]);
        if let Some(session) = &principal.session {
            claims.insert("sid".to_owned(), json!(&**session));
        }
        if let Some(scopes) = &principal.scopes {
            claims.insert("scopes".to_owned(), json!(scopes.iter().map(Scope::as_str).collect::<Vec<_>>()));
        }
        if principal.kind == PrincipalKind::ApiKey {
            claims.insert("key_id".to_owned(), json!(&*principal.id));
        }
        if principal.kind == PrincipalKind::Device {
            claims.insert("device_id".to_owned(), json!(&*principal.id));
        }
        if let Some(membership) = &principal.membership {
            let tier = membership.tier.as_ref().map(Tier::as_str);
            claims.insert("org".to_owned(), json!(&*membership.organisation));
            claims.insert("org_role".to_owned(), json!(membership.role.as_str()));
            claims.insert("org_tier".to_owned(), json!(tier));
        }
        claims.into()
    }
}
