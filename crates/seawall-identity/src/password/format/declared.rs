//! What does not say how it was made, declared by who imports it.
//!
//! `plain:PASSWORD` · `digest:HASH:HEX` · `salted:HASH:SALT:HEX` (salt, then password) · `salted-after:HASH:SALT:HEX` (password, then
//! salt) · `hmac:HASH:KEY:HEX` · `node-scrypt:N:R:P:SALT:HEX`. The salt is taken as text; with `hex=` before it, as bytes.

use super::{Reading, hex_digest, number, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::hex,
    hash::Hash,
    recipe::{Digest, Recipe, SaltAt, Scrypt},
};

pub(super) fn read(text: &str) -> Reading {
    let (kind, rest) = text.split_once(':')?;
    Some(match kind {
        "plain" => plain(rest),
        "digest" => digest(rest),
        "salted" => salted(SaltAt::Before, rest),
        "salted-after" => salted(SaltAt::After, rest),
        "hmac" => salted(SaltAt::Key, rest),
        "node-scrypt" => node_scrypt(rest),
        _ => return None,
    })
}

fn plain(password: &str) -> Result<Stored, PasswordError> {
    if password.is_empty() {
        return Err(Format::Plain.malformed("it is empty"));
    }
    Ok(stored(Format::Plain, Recipe::Plain, password.as_bytes().to_vec()))
}

fn digest(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Digest;
    let (hash, digest) = rest.split_once(':').ok_or(format.malformed("it needs `digest:HASH:HEX`"))?;
    let hash = hash_named(hash)?;
    Ok(stored(format, Recipe::Digest(Digest::unsalted(hash)), hex_digest(format, hash, digest)?))
}

fn salted(salt_at: SaltAt, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Digest;
    let needs = format.malformed("it needs `salted:HASH:SALT:HEX`");
    let (hash, rest) = rest.split_once(':').ok_or(needs.clone())?;
    // The salt may hold anything, the digest no colon.
    let (salt, digest) = rest.rsplit_once(':').ok_or(needs)?;
    let hash = hash_named(hash)?;
    let recipe = Digest { hash, salt_at, salt: salt_bytes(format, salt)? };
    Ok(stored(format, Recipe::Digest(recipe), hex_digest(format, hash, digest)?))
}

fn node_scrypt(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::NodeScrypt;
    let needs = format.malformed("it needs `node-scrypt:N:R:P:SALT:HEX`");
    let [n, block, parallelism, rest]: [&str; 4] =
        rest.splitn(4, ':').collect::<Vec<_>>().try_into().map_err(|_| needs.clone())?;
    let (salt, digest) = rest.rsplit_once(':').ok_or(needs)?;
    let salt = salt_bytes(format, salt)?;
    let expected = hex(digest).ok_or(format.malformed("its hash is not hexadecimal"))?;
    if !matches!(expected.len(), 32 | 64) {
        return Err(format.malformed("its hash has neither 32 nor 64 bytes"));
    }
    let n = number(format, n)?.into();
    let scrypt = Scrypt::with_n(format, n, number(format, block)?, number(format, parallelism)?, salt)?;
    Ok(stored(format, Recipe::Scrypt(scrypt), expected))
}

fn hash_named(name: &str) -> Result<Hash, PasswordError> {
    Hash::named(name).ok_or(Format::Digest.malformed("its hash is none of md5, sha1, sha224, sha256, sha384, sha512"))
}

fn salt_bytes(format: Format, salt: &str) -> Result<Vec<u8>, PasswordError> {
    match salt.strip_prefix("hex=") {
        Some(digits) => hex(digits).ok_or(format.malformed("its salt is not hexadecimal")),
        None => Ok(salt.as_bytes().to_vec()),
    }
}
