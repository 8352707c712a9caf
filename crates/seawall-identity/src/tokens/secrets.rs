//! What is derived from the secret of the installation, which lies outside the database.

use std::fmt;
use zeroize::Zeroizing;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{IdentityError, attempts::AttemptsKey, sealing::SealingKey};

/// How many bytes of a digest name the installation in the ids of its keys.
const TAG_BYTES: usize = 6;

/// Seals signing keys and derives refresh tokens. A copy of the database alone can do neither.
#[derive(Clone)]
pub(crate) struct TokenSecrets {
    seal: std::sync::Arc<SealingKey>,
    refresh: hmac::Key,
    tag: String,
}

impl TokenSecrets {
    /// Of an installation.
    pub(crate) fn of(root: &AttemptsKey) -> Result<Self, IdentityError> {
        // Sixteen letters at the least: an address, which stands there when attempts are counted, has zeros among its first sixteen bytes.
        let seal = Zeroizing::new(root.made_for("seals signing keys", &[]));
        let refresh = Zeroizing::new(root.made_for("derives refresh tokens", &[]));
        let tag = Zeroizing::new(root.made_for("names the installation", &[]));
        let seal = SealingKey::new(&seal).map_err(|_| IdentityError::Cipher)?;
        Ok(Self {
            seal: seal.into(),
            refresh: hmac::Key::new(HMAC_SHA256, &*refresh),
            tag: URL_SAFE_NO_PAD.encode(tag.get(..TAG_BYTES).unwrap_or_default()),
        })
    }

    /// What the ids of this installation's keys begin with.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Seals bytes that are bound to a name.
    pub(crate) fn seal(&self, bound_to: &str, plain: &[u8]) -> Result<Vec<u8>, IdentityError> {
        self.seal.seal(bound_to, plain).map_err(|_| IdentityError::Cipher)
    }

    /// Opens what [`Self::seal`] has sealed; nothing when another secret did, or anything was changed.
    pub(crate) fn open(&self, bound_to: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.seal.open(bound_to, sealed)
    }

    /// What refresh tokens are derived with.
    pub(crate) const fn refresh(&self) -> &hmac::Key {
        &self.refresh
    }
}

impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_opens_what_was_sealed_and_only_under_its_name() {
        let of = |secret: &str| TokenSecrets::of(&AttemptsKey::of(&secret.to_owned().into())).unwrap();
        let sealed = of("one").seal("kid", b"seed").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"seed"));
        assert_eq!(of("one").open("kid", &sealed).as_deref().map(Vec::as_slice), Some(&b"seed"[..]));
        assert!(of("one").open("other", &sealed).is_none() && of("two").open("kid", &sealed).is_none());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(of("one").open("kid", &changed).is_none() && of("one").open("kid", &sealed[..8]).is_none());
        assert_ne!(of("one").tag(), of("two").tag());
    }
}
