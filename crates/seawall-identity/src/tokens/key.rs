//! One signing key: Ed25519, named by a `kid`.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{jwt::Kind, secrets::TokenSecrets, table::Row};
use crate::IdentityError;

/// How many random bytes a `kid` has behind the installation's name.
const KID_BYTES: usize = 6;

/// How many bytes the seed of an Ed25519 key has.
const SEED_BYTES: usize = 32;

/// A key in memory. What it was sealed with decides whether it can sign here; verifying, all can.
pub(crate) struct Key {
    pub(crate) kid: Arc<str>,
    pub(crate) signs_at: i64,
    public: Vec<u8>,
    pair: Option<Ed25519KeyPair>,
    /// The headers of tokens of each kind, encoded: a token of ours has exactly one of them.
    headers: [String; 2],
}

impl Key {
    /// Makes a fresh one, as it is kept.
    pub(crate) fn make(secrets: &TokenSecrets, created_at: i64, signs_at: i64) -> Result<Row, IdentityError> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        let mut name = [0; KID_BYTES];
        getrandom::fill(&mut *seed).map_err(IdentityError::Random)?;
        getrandom::fill(&mut name).map_err(IdentityError::Random)?;
        let kid = format!("{}.{}", secrets.tag(), URL_SAFE_NO_PAD.encode(name));
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| IdentityError::Cipher)?;
        let sealed = secrets.seal(&kid, &*seed)?;
        Ok(Row { kid, public: pair.public_key().as_ref().to_vec(), sealed, created_at, signs_at })
    }

    /// Reads one.
    pub(crate) fn open(row: &Row, secrets: &TokenSecrets) -> Self {
        // Made under another secret it is none of ours to sign with; a seed that does not fit the public key was tampered with.
        let seed = secrets.open(&row.kid, &row.sealed);
        let pair = seed.and_then(|seed| Ed25519KeyPair::from_seed_and_public_key(&seed, &row.public).ok());
        let header = |kind: Kind| {
            URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{}"}}"#, row.kid, kind.word()))
        };
        Self {
            kid: row.kid.as_str().into(),
            signs_at: row.signs_at,
            public: row.public.clone(),
            pair,
            headers: [header(Kind::Access), header(Kind::Proof)],
        }
    }

    /// The encoded header of its tokens of a kind.
    pub(crate) fn header(&self, kind: Kind) -> &str {
        let [access, proof] = &self.headers;
        match kind {
            Kind::Access => access,
            Kind::Proof => proof,
        }
    }

    /// Whether it can sign here.
    pub(crate) const fn opened(&self) -> bool {
        self.pair.is_some()
    }

    /// Signs; nothing when it was sealed with another secret.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.pair.as_ref()?.sign(message).as_ref().to_vec())
    }

    /// Whether it has signed this.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }

    /// The public part (RFC 8037).
    pub(crate) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": &*self.kid, "x": x })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}
