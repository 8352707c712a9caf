//! What some applications do to a password before they hash it.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{
    encoding::{to_base64, to_hex},
    hash::Hash,
};

/// A step before the hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prehash {
    /// The password as it was received.
    Nothing,
    /// Canonical composition: this product's own hashes.
    Nfc,
    /// Compatibility composition: Better Auth.
    Nfkc,
    /// The digest in hexadecimal: Django's `bcrypt_sha256`, and MD5 for Drupal 7's users from Drupal 6.
    Hex(Hash),
    /// SHA-256 in base64: passlib's first `bcrypt-sha256`.
    Sha256Base64,
    /// HMAC-SHA256 with this key, in base64: passlib's second `bcrypt-sha256`.
    HmacSha256Base64(Vec<u8>),
    /// WordPress 6.8: without white space around it, HMAC-SHA384 in base64.
    WordPress,
}

impl Prehash {
    pub(crate) fn apply(&self, password: &str) -> Zeroizing<Vec<u8>> {
        let bytes = password.as_bytes();
        Zeroizing::new(match self {
            Self::Nothing => bytes.to_vec(),
            Self::Nfc => password.nfc().collect::<String>().into_bytes(),
            Self::Nfkc => password.nfkc().collect::<String>().into_bytes(),
            Self::Hex(hash) => to_hex(&hash.digest(&[bytes])).into_bytes(),
            Self::Sha256Base64 => to_base64(&Hash::Sha256.digest(&[bytes])).into_bytes(),
            Self::HmacSha256Base64(key) => to_base64(&Hash::Sha256.hmac(key, bytes)).into_bytes(),
            Self::WordPress => {
                // PHP's `trim`.
                let trimmed = password.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b']);
                to_base64(&Hash::Sha384.hmac(b"wp-sha384", trimmed.as_bytes())).into_bytes()
            }
        })
    }

    /// Whether it changes this password at all.
    pub(crate) fn changes(&self, password: &str) -> bool {
        !password.is_ascii() && *self.apply(password) != password.as_bytes()
    }
}
