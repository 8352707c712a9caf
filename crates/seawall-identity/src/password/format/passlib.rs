//! Passlib's own: PBKDF2 as `$pbkdf2-sha256$ROUNDS$SALT$HASH`, and bcrypt over SHA-256.

use super::{Reading, bcrypt, number, parts, sized, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64_adapted,
    hash::Hash,
    prehash::Prehash,
    recipe::{Pbkdf2, Recipe},
};

const PBKDF2: [(&str, Hash); 4] = [
    ("$pbkdf2$", Hash::Sha1),
    ("$pbkdf2-sha1$", Hash::Sha1),
    ("$pbkdf2-sha256$", Hash::Sha256),
    ("$pbkdf2-sha512$", Hash::Sha512),
];

pub(super) fn read(text: &str) -> Reading {
    if let Some(rest) = text.strip_prefix("$bcrypt-sha256$") {
        return Some(bcrypt_sha256(rest));
    }
    let (hash, rest) = PBKDF2.into_iter().find_map(|(begin, hash)| Some((hash, text.strip_prefix(begin)?)))?;
    Some(pbkdf2(Format::PasslibPbkdf2, hash, rest))
}

/// `ROUNDS$SALT$HASH`, after `$pbkdf2-sha256$` or LDAP's `{PBKDF2-SHA256}`.
pub(super) fn pbkdf2(format: Format, hash: Hash, rest: &str) -> Result<Stored, PasswordError> {
    let [rounds, salt, digest] = parts(format, rest, '$')?;
    let salt = base64_adapted(salt).ok_or(format.malformed("its salt is not base64"))?;
    let expected = base64_adapted(digest).ok_or(format.malformed("its hash is not base64"))?;
    let pbkdf2 = Pbkdf2::new(format, hash, number(format, rounds)?, salt, hash.length())?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), sized(format, expected, hash.length())?))
}

/// `2b,12$SALT$HASH` over SHA-256, or `v=2,t=2b,r=12$SALT$HASH` over HMAC-SHA256 with the salt as key.
fn bcrypt_sha256(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::BcryptSha256;
    let [parameters, salt, hash] = parts(format, rest, '$')?;
    let (version, cost, prehash) = match parameters.strip_prefix("v=2,t=") {
        Some(rest) => {
            let (version, cost) = rest.split_once(",r=").ok_or(format.malformed("its cost is missing"))?;
            (version, cost, Prehash::HmacSha256Base64(salt.as_bytes().to_vec()))
        }
        None => {
            let (version, cost) = parameters.split_once(',').ok_or(format.malformed("its cost is missing"))?;
            (version, cost, Prehash::Sha256Base64)
        }
    };
    if !matches!(version, "2a" | "2b") {
        return Err(format.malformed("its bcrypt is neither 2a nor 2b"));
    }
    bcrypt::assemble(format, prehash, cost, salt, hash)
}
