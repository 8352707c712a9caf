//! Werkzeug (Flask): `METHOD$SALT$HEX`.

use super::{Reading, hex_digest, number, parts, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::hex,
    hash::Hash,
    recipe::{Digest, Pbkdf2, Recipe, SaltAt, Scrypt},
};

/// What Werkzeug took when the method named no number of rounds, until 2.2.
const OLD_ROUNDS: &str = "260000";

pub(super) fn read(text: &str) -> Reading {
    let (method, rest) = text.split_once('$')?;
    if let Some(costs) = method.strip_prefix("scrypt:") {
        return Some(scrypt(costs, rest));
    }
    if let Some(method) = method.strip_prefix("pbkdf2:") {
        return Some(pbkdf2(method, rest));
    }
    // MD5 and SHA-1 are read as Django's, which look the same.
    let hash = Hash::named(method).filter(|hash| !matches!(hash, Hash::Md5 | Hash::Sha1))?;
    Some(hmac(hash, rest))
}

fn scrypt(costs: &str, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::WerkzeugScrypt;
    let [n, block, parallelism] = parts(format, costs, ':')?;
    let [salt, digest] = parts(format, rest, '$')?;
    let expected = hex(digest).filter(|bytes| bytes.len() == 64);
    let expected = expected.ok_or(format.malformed("its hash is not 64 bytes in hexadecimal"))?;
    let (n, block, parallelism) = (number(format, n)?, number(format, block)?, number(format, parallelism)?);
    let scrypt = Scrypt::with_n(format, n.into(), block, parallelism, salt.as_bytes().to_vec())?;
    Ok(stored(format, Recipe::Scrypt(scrypt), expected))
}

fn pbkdf2(method: &str, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::WerkzeugPbkdf2;
    let (hash, rounds) = method.split_once(':').unwrap_or((method, OLD_ROUNDS));
    let hash = Hash::named(hash).ok_or(format.malformed("its hash function is not known"))?;
    let [salt, digest] = parts(format, rest, '$')?;
    let expected = hex_digest(format, hash, digest)?;
    let pbkdf2 = Pbkdf2::new(format, hash, number(format, rounds)?, salt.as_bytes().to_vec(), hash.length())?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), expected))
}

fn hmac(hash: Hash, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::WerkzeugDigest;
    let [salt, digest] = parts(format, rest, '$')?;
    let recipe = Digest { hash, salt_at: SaltAt::Key, salt: salt.as_bytes().to_vec() };
    Ok(stored(format, Recipe::Digest(recipe), hex_digest(format, hash, digest)?))
}
