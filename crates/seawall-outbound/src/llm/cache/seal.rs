//! Answers are sealed with AES-256-GCM under the key that the call itself makes, and bound to their place: only whoever asks the same can
//! have one opened, and a copy of the table tells nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use bytes::Bytes;

use super::{kept::Kept, key::Key};

/// Seals an answer; nothing when the system gives no random bytes.
pub(super) fn sealed(key: &Key, kept: &Kept) -> Option<Vec<u8>> {
    let mut sealed = kept.to_bytes();
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, &key.seal)
        .and_then(|cipher| cipher.seal_in_place_append_tag(Aad::from(&key.place), &mut sealed))
        .ok()?;
    Some([&nonce.as_ref()[..], &sealed].concat())
}

/// Opens what [`sealed`] has sealed for the same call.
pub(super) fn opened(key: &Key, sealed: &[u8]) -> Option<Kept> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key.seal).ok()?;
    let mut plain = sealed.to_vec();
    let plain = cipher.open_in_place(nonce, Aad::from(&key.place), &mut plain).ok()?;
    Kept::from_bytes(&Bytes::copy_from_slice(plain))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

    use super::{
        super::kept::{Form, Wanted},
        *,
    };
    use crate::llm::operation::{Dialect, Operation};

    #[test]
    fn an_answer_is_opened_at_its_place_by_the_same_call_alone() {
        let wanted =
            Wanted { dialect: Dialect::Anthropic, operation: Operation::Messages, streams: false, usage: true };
        let body = Bytes::from_static(br#"{"type":"message","content":[],"stop_reason":"end_turn"}"#);
        let head = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let kept = Kept::of(Form::Whole, wanted, &head, body, 7).unwrap();
        let key = Key { place: [1; 32], seal: [2; 32] };
        let sealed = sealed(&key, &kept).unwrap();
        assert_eq!(opened(&key, &sealed), Some(kept));
        for other in [Key { place: [3; 32], ..key.clone() }, Key { seal: [3; 32], ..key.clone() }] {
            assert_eq!(opened(&other, &sealed), None);
        }
        let (half, _) = sealed.split_at(sealed.len() / 2);
        assert_eq!(opened(&key, half), None, "half an answer is none");
        assert!(!sealed.windows(8).any(|window| window == b"end_turn"));
    }
}
