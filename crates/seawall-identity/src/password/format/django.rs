//! Django: the name of a hasher, and what it wrote.

use super::{Reading, bcrypt, hex_digest, number, parts, phc, sized, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64,
    hash::Hash,
    prehash::Prehash,
    recipe::{Digest, Pbkdf2, Recipe, SaltAt, Scrypt},
};

pub(super) fn read(text: &str) -> Reading {
    let (hasher, rest) = text.split_once('$')?;
    Some(match hasher {
        "pbkdf2_sha256" => pbkdf2(Hash::Sha256, rest),
        "pbkdf2_sha1" => pbkdf2(Hash::Sha1, rest),
        "scrypt" => scrypt(rest),
        "argon2" => argon2(text, rest),
        "bcrypt" => over_bcrypt(Format::DjangoBcrypt, Prehash::Nothing, rest),
        "bcrypt_sha256" => over_bcrypt(Format::DjangoBcryptSha256, Prehash::Hex(Hash::Sha256), rest),
        "md5" => digest(Hash::Md5, rest),
        "sha1" => digest(Hash::Sha1, rest),
        "crypt" => Err(PasswordError::Unsupported("crypt with DES")),
        _ => return None,
    })
}

fn pbkdf2(hash: Hash, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::DjangoPbkdf2;
    let [rounds, salt, digest] = parts(format, rest, '$')?;
    let expected = base64(digest).ok_or(format.malformed("its hash is not base64"))?;
    let pbkdf2 = Pbkdf2::new(format, hash, number(format, rounds)?, salt.as_bytes().to_vec(), hash.length())?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), sized(format, expected, hash.length())?))
}

/// `N$SALT$R$P$HASH`.
fn scrypt(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::DjangoScrypt;
    let [n, salt, block, parallelism, digest] = parts(format, rest, '$')?;
    let expected = base64(digest).ok_or(format.malformed("its hash is not base64"))?;
    let (n, block, parallelism) = (number(format, n)?, number(format, block)?, number(format, parallelism)?);
    let scrypt = Scrypt::with_n(format, n.into(), block, parallelism, salt.as_bytes().to_vec())?;
    Ok(stored(format, Recipe::Scrypt(scrypt), sized(format, expected, 64)?))
}

/// `argon2` and a PHC string.
fn argon2(text: &str, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::DjangoArgon2;
    let no = format.malformed("no argon2 hash follows");
    let phc = text.get(text.len() - rest.len() - 1..).ok_or(no.clone())?;
    let (_, argon2, expected) = phc::argon2(phc).ok_or(no)??;
    Ok(stored(format, Recipe::Argon2(argon2), expected))
}

/// An empty salt, then bcrypt's own text.
fn over_bcrypt(format: Format, prehash: Prehash, rest: &str) -> Result<Stored, PasswordError> {
    bcrypt::plain(format, prehash, rest).unwrap_or_else(|| Err(format.malformed("no bcrypt hash follows")))
}

/// Salted, or without a salt when it is empty.
fn digest(hash: Hash, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::DjangoDigest;
    let [salt, digest] = parts(format, rest, '$')?;
    let recipe = Digest { hash, salt_at: SaltAt::Before, salt: salt.as_bytes().to_vec() };
    Ok(stored(format, Recipe::Digest(recipe), hex_digest(format, hash, digest)?))
}
