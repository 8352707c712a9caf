//! Seeds as they are kept: sealed under a key that is not in the database, bound to the user.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::Seed;
use crate::{attempts::AttemptsKey, sealing::SealingKey};

/// Seals and opens.
pub(crate) struct Sealer {
    key: SealingKey,
    id: String,
}

/// A seed, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Which key opens it.
    pub(crate) key_id: String,
    /// The nonce, and what is sealed.
    pub(crate) bytes: Vec<u8>,
}

/// It cannot be opened: it was sealed under another key, for another user, or was changed.
#[derive(Debug, thiserror::Error)]
#[error(
    "sealed under the key {sealed_under}, and this server has {own}; give it the `identity.key` or `attempts_key` that it was enrolled with"
)]
pub(crate) struct Unopened {
    sealed_under: String,
    own: String,
}

impl Sealer {
    /// With a key made from the installation's secret.
    pub(crate) fn new(secret: &AttemptsKey) -> Result<Self, Unspecified> {
        let id = secret.made_for("id of the key of totp seeds", &[]);
        let key = Zeroizing::new(secret.made_for("totp seeds", &[]));
        Ok(Self { key: SealingKey::new(&key)?, id: id.iter().take(4).map(|byte| format!("{byte:02x}")).collect() })
    }

    pub(crate) fn seal(&self, user_id: &str, seed: &Seed) -> Result<Sealed, getrandom::Error> {
        let bytes = self.key.seal(user_id, seed.expose()).map_err(|Unspecified| getrandom::Error::UNEXPECTED)?;
        Ok(Sealed { key_id: self.id.clone(), bytes })
    }

    pub(crate) fn open(&self, user_id: &str, sealed: &Sealed) -> Result<Seed, Unopened> {
        let unopened = || Unopened { sealed_under: sealed.key_id.clone(), own: self.id.clone() };
        self.key.open(user_id, &sealed.bytes).map(Seed::of).ok_or_else(unopened)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_opens_under_its_key_for_its_user_alone() {
        let sealer = |secret: &str| Sealer::new(&AttemptsKey::of(&secret.to_owned().into())).unwrap();
        let seed = Seed::fresh().unwrap();
        let sealed = sealer("one").seal("u1", &seed).unwrap();
        assert_eq!(*sealer("one").open("u1", &sealed).unwrap().text(), *seed.text());
        assert!(sealer("one").open("u2", &sealed).is_err());
        let said = sealer("other").open("u1", &sealed).unwrap_err().to_string();
        assert!(said.contains(&sealed.key_id) && said.contains("identity.key"), "{said}");
        assert!(!sealed.bytes.windows(20).any(|part| part == seed.expose()));
        let mut changed = sealed.clone();
        changed.bytes[20] ^= 1;
        assert!(sealer("one").open("u1", &changed).is_err());
        assert!(sealer("one").open("u1", &Sealed { bytes: vec![1], ..sealed }).is_err());
    }
}
