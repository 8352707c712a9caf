//! Seeds as they are kept: AES-256-GCM under a key that is not in the database, bound to the user.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
};
use zeroize::Zeroizing;

use super::Seed;
use crate::attempts::AttemptsKey;

/// Seals and opens.
pub(crate) struct Sealer {
    key: Zeroizing<[u8; 32]>,
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
    pub(crate) fn new(secret: &AttemptsKey) -> Self {
        let id = secret.made_for("id of the key of totp seeds", &[]);
        Self {
            key: Zeroizing::new(secret.made_for("totp seeds", &[])),
            id: id.iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    fn key(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&AES_256_GCM, &*self.key).map(LessSafeKey::new)
    }

    pub(crate) fn seal(&self, user_id: &str, seed: &Seed) -> Result<Sealed, getrandom::Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut text = seed.expose().to_vec();
        let (unique, user) = (Nonce::assume_unique_for_key(nonce), Aad::from(user_id.as_bytes()));
        let sealed = self.key().and_then(|key| key.seal_in_place_append_tag(unique, user, &mut text));
        // It fails for what is longer than 64 GiB.
        sealed.map_err(|Unspecified| getrandom::Error::UNEXPECTED)?;
        Ok(Sealed { key_id: self.id.clone(), bytes: [&nonce[..], &text].concat() })
    }

    pub(crate) fn open(&self, user_id: &str, sealed: &Sealed) -> Result<Seed, Unopened> {
        let unopened = || Unopened { sealed_under: sealed.key_id.clone(), own: self.id.clone() };
        let (nonce, text) = sealed.bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(unopened)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let key = self.key().map_err(|Unspecified| unopened())?;
        let opened = key.open_in_place(nonce, Aad::from(user_id.as_bytes()), &mut text);
        let seed = opened.map_err(|Unspecified| unopened())?.to_vec();
        Ok(Seed::of(Zeroizing::new(seed)))
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
        let sealer = |secret: &str| Sealer::new(&AttemptsKey::of(&secret.to_owned().into()));
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
