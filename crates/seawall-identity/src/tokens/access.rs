//! The claims of an access token (RFC 9068).

use seawall_core::principal::Role;
use serde::{Deserialize, Serialize};

use super::family::digest_of_session;
use crate::sessions::Digest;

/// How long an access token is good, in seconds.
pub(crate) const LIFE_S: i64 = 15 * 60;

/// How far the clocks of nodes may be apart, in seconds.
const LEEWAY_S: i64 = 30;

/// Who issues tokens, and for whom proof is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

#[derive(Deserialize, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    sid: &'a str,
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(skip_deserializing)]
    roles: Vec<&'a str>,
}

/// What a token says that was signed by this installation: which session it shows, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) session: Digest,
    pub(crate) from_s: i64,
    pub(crate) until_s: i64,
}

/// Whom a token is made for.
pub(crate) struct Bearer<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) session_id: &'a str,
    pub(crate) roles: &'a [Role],
    /// The token's own name.
    pub(crate) id: &'a str,
}

impl Access {
    /// The claims of a token that is given now and ends with its session at the latest; and after how many seconds it does.
    pub(crate) fn claims(
        names: &Names,
        bearer: &Bearer<'_>,
        now_us: i64,
        ends_us: i64,
    ) -> Result<(Vec<u8>, i64), serde_json::Error> {
        let now = now_us / 1_000_000;
        let exp = (now + LIFE_S).min(ends_us / 1_000_000);
        let claims = Claims {
            iss: &names.issuer,
            aud: &names.issuer,
            sub: bearer.user_id,
            sid: bearer.session_id,
            jti: bearer.id,
            iat: now,
            nbf: now,
            exp,
            roles: bearer.roles.iter().map(Role::as_str).collect(),
        };
        Ok((serde_json::to_vec(&claims)?, exp - now))
    }

    /// Reads the claims of a token whose signature is good; nothing when it is not for this installation.
    pub(crate) fn read(names: &Names, claims: &[u8]) -> Option<Self> {
        let claims: Claims<'_> = serde_json::from_slice(claims).ok()?;
        let meant = claims.iss == names.issuer && claims.aud == names.issuer;
        let session = digest_of_session(claims.sid);
        meant.then_some(Self { session, from_s: claims.nbf.max(claims.iat), until_s: claims.exp })
    }

    /// Whether it is good now.
    pub(crate) const fn holds(&self, now_us: i64) -> bool {
        let now = now_us / 1_000_000;
        now < self.until_s && now >= self.from_s - LEEWAY_S
    }
}
