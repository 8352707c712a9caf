//! How a signature is verified: the algorithms of RFC 9421 section 3.3 that are taken, and the keys for them.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512,
        VerificationAlgorithm,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use seawall_core::settings::{Raw, Setting, Shape, choice};

/// The shortest secret, in bytes.
const SHORTEST_SECRET: usize = 16;

/// The most secrets of one key.
const MOST_SECRETS: usize = 4;

/// An algorithm, by the name in the registry of RFC 9421.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hmac,
    Ed25519,
    EcdsaP256,
    RsaPss,
    RsaPkcs1,
}

const NAMES: [(&str, Algorithm); 5] = [
    ("hmac-sha256", Algorithm::Hmac),
    ("ed25519", Algorithm::Ed25519),
    ("ecdsa-p256-sha256", Algorithm::EcdsaP256),
    ("rsa-pss-sha512", Algorithm::RsaPss),
    ("rsa-v1_5-sha256", Algorithm::RsaPkcs1),
];

impl Setting for Algorithm {
    const SHAPE: Shape =
        Shape::Choice(&["hmac-sha256", "ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512", "rsa-v1_5-sha256"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &NAMES)
    }
}

impl Algorithm {
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    fn verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::Hmac => None,
            Self::Ed25519 => Some(&ED25519),
            Self::EcdsaP256 => Some(&ECDSA_P256_SHA256_FIXED),
            Self::RsaPss => Some(&RSA_PSS_2048_8192_SHA512),
            Self::RsaPkcs1 => Some(&RSA_PKCS1_2048_8192_SHA256),
        }
    }
}

/// What verifies signatures of one key.
pub(super) enum Verifier {
    /// Secrets that both know; several while they are changed.
    Secrets(Vec<hmac::Key>),
    /// The public half of a pair.
    Public(ParsedPublicKey),
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secrets(_) => "Secrets",
            Self::Public(_) => "Public",
        })
    }
}

impl Verifier {
    /// Whether the message was signed with this key, told in constant time.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secrets(secrets) => secrets.iter().any(|secret| hmac::verify(secret, message, signature).is_ok()),
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    /// The public key in `text`: PEM, or base64.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub(super) fn public(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        let Some(verification) = algorithm.verification() else {
            return Err("hmac-sha256 has no public key, but a secret".to_owned());
        };
        if text.contains("PRIVATE KEY") {
            return Err("this is a private key, which stays with whoever signs".to_owned());
        }
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let bytes = STANDARD.decode(lines.flat_map(str::split_whitespace).collect::<String>());
        let key = bytes.ok().and_then(|bytes| ParsedPublicKey::new(verification, &bytes).ok());
        key.map(Self::Public).ok_or_else(|| format!("this is no public key for {}", algorithm.name()))
    }
}

/// How the text of a secret becomes bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spelling {
    /// As it stands, or in base64 after `base64:`.
    Text,
    /// In base64, after `whsec_` or not.
    StandardWebhooks,
}

/// The secrets in `text`, separated by white space.
///
/// # Errors
/// A sentence for the person who wrote them; it shows none of them.
pub(super) fn secrets(text: &str, spelling: Spelling) -> Result<Vec<hmac::Key>, String> {
    let one = |(place, word): (usize, &str)| {
        let decoded = |coded: &str| STANDARD.decode(coded).map_err(|_| format!("secret {} is no base64", place + 1));
        let bytes = match (spelling, word.strip_prefix("base64:")) {
            (Spelling::StandardWebhooks, _) => decoded(word.strip_prefix("whsec_").unwrap_or(word))?,
            (Spelling::Text, Some(coded)) => decoded(coded)?,
            (Spelling::Text, None) => word.as_bytes().to_vec(),
        };
        if bytes.len() < SHORTEST_SECRET {
            return Err(format!("secret {} has {} bytes, and needs {SHORTEST_SECRET}", place + 1, bytes.len()));
        }
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    };
    let secrets = text.split_whitespace().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
    match secrets.len() {
        1..=MOST_SECRETS => Ok(secrets),
        _ => Err(format!("there are {} secrets; 1 to {MOST_SECRETS} can be", secrets.len())),
    }
}
