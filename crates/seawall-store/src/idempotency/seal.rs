//! Answers are sealed with AES-256-GCM under the key that the caller's own request makes, and bound to their place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use seawall_core::idempotency::{Answered, Seal};

use crate::StoreError;

/// Seals an answer.
pub(super) fn seal(seal: &Seal, place: &[u8; 32], answered: &Answered) -> Result<Vec<u8>, StoreError> {
    let failed = |_| StoreError::Unavailable("the system gave no random bytes to seal an answer with".to_owned());
    let mut sealed = answered.to_bytes();
    let key = RandomizedNonceKey::new(&AES_256_GCM, seal.expose()).map_err(failed)?;
    let nonce = key.seal_in_place_append_tag(Aad::from(place), &mut sealed).map_err(failed)?;
    Ok([&nonce.as_ref()[..], &sealed].concat())
}

/// Opens what [`seal`] has sealed for the same request at the same place.
pub(super) fn open(seal: &Seal, place: &[u8; 32], sealed: &[u8]) -> Result<Answered, StoreError> {
    opened(seal, place, sealed).ok_or_else(|| StoreError::Corrupt("the answer kept for an idempotency key".to_owned()))
}

fn opened(seal: &Seal, place: &[u8; 32], sealed: &[u8]) -> Option<Answered> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, seal.expose()).ok()?;
    let mut plain = sealed.to_vec();
    Answered::from_bytes(key.open_in_place(nonce, Aad::from(place), &mut plain).ok()?).ok()
}
