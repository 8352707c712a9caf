//! The compact form of a JWT (RFC 7515, RFC 7519), read strictly: the algorithm is the key's, and the header has one spelling.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{key::Key, keys::Keys};

/// The longest token that is looked at.
pub(crate) const LONGEST: usize = 8_192;

/// What a token is for. Its `typ` says so, so that one can never serve as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For Seawall (RFC 9068).
    Access,
    /// For the application behind.
    Proof,
}

impl Kind {
    /// As it stands in the header.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Proof => "seawall-proof+jwt",
        }
    }
}

/// What a token is to this installation.
#[derive(Debug)]
pub(crate) enum Opened<'a> {
    /// Of another issuer, or no token at all.
    Foreign,
    /// It names a key that this installation may have made and that is not known here.
    Unknown,
    /// It names a key of this installation, which has not signed it as it is.
    Bad,
    /// Signed by this key; its claims.
    Signed(&'a Key, Vec<u8>),
}

/// Signs claims; nothing when the key cannot sign here.
pub(crate) fn sign(key: &Key, kind: Kind, claims: &[u8]) -> Option<String> {
    let mut token = String::with_capacity(claims.len() * 4 / 3 + 256);
    token.push_str(key.header(kind));
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Some(token)
}

/// Opens a token of this kind.
pub(crate) fn open<'k>(keys: &'k Keys, kind: Kind, token: &[u8]) -> Opened<'k> {
    let Some((header, payload, signature)) = parts(token) else { return Opened::Foreign };
    let Some(key) = keys.all().find(|key| key.header(kind).as_bytes() == header) else {
        return named(keys, header);
    };
    let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    // A signature has one spelling: bits beyond its last byte are refused by the decoder.
    match (URL_SAFE_NO_PAD.decode(signature), URL_SAFE_NO_PAD.decode(payload)) {
        (Ok(signature), Ok(claims)) if key.verifies(signed, &signature) => Opened::Signed(key, claims),
        _ => Opened::Bad,
    }
}

/// The three parts of a token.
fn parts(token: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut parts = token.split(|&byte| byte == b'.');
    let three = (parts.next()?, parts.next()?, parts.next()?);
    (token.len() <= LONGEST && parts.next().is_none()).then_some(three)
}

/// A header that is not one of ours, letter by letter, and may yet name one of our keys: with another algorithm, kind or order.
fn named(keys: &Keys, header: &[u8]) -> Opened<'static> {
    #[derive(Deserialize)]
    struct Header {
        kid: String,
    }
    let Ok(header) = URL_SAFE_NO_PAD.decode(header) else { return Opened::Foreign };
    // Of two names that are one, no reader knows which is meant: serde refuses them, and so do others.
    let Ok(Header { kid }) = serde_json::from_slice(&header) else {
        // A header that cannot be read as one and holds our name is a trick, not another issuer's.
        let ours = header.windows(keys.tag().len()).any(|window| window == keys.tag().as_bytes());
        return if ours { Opened::Bad } else { Opened::Foreign };
    };
    if keys.all().any(|key| *key.kid == *kid) {
        return Opened::Bad;
    }
    let ours = kid.split_once('.').is_some_and(|(tag, _)| tag == keys.tag());
    if ours { Opened::Unknown } else { Opened::Foreign }
}
