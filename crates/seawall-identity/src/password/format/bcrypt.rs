//! Bcrypt as all write it, and as WordPress does since 6.8.

use super::{Reading, number};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64_bcrypt,
    prehash::Prehash,
    recipe::{Bcrypt, Recipe},
};

pub(super) fn read(text: &str) -> Reading {
    if let Some(rest) = text.strip_prefix("$wp$2y$") {
        return Some(rest_of(Format::WordPressBcrypt, Prehash::WordPress, rest));
    }
    if text.starts_with("$2x$") {
        return Some(Err(PasswordError::Unsupported("bcrypt `$2x$`, made by a faulty crypt_blowfish,")));
    }
    if text.starts_with("$2$") {
        return Some(Err(PasswordError::Unsupported("the first bcrypt, `$2$`,")));
    }
    plain(Format::Bcrypt, Prehash::Nothing, text)
}

/// `$2b$COST$SALT HASH` with a step before it.
pub(super) fn plain(format: Format, prehash: Prehash, text: &str) -> Reading {
    let rest = ["$2a$", "$2b$", "$2y$"].into_iter().find_map(|begin| text.strip_prefix(begin))?;
    Some(rest_of(format, prehash, rest))
}

fn rest_of(format: Format, prehash: Prehash, rest: &str) -> Result<Stored, PasswordError> {
    let (cost, rest) = rest.split_once('$').ok_or(format.malformed("it ends after its cost"))?;
    let (salt, hash) = rest.split_at_checked(22).ok_or(format.malformed("its salt has less than 22 characters"))?;
    assemble(format, prehash, cost, salt, hash)
}

pub(super) fn assemble(
    format: Format,
    prehash: Prehash,
    cost: &str,
    salt: &str,
    hash: &str,
) -> Result<Stored, PasswordError> {
    if cost.len() > 2 || salt.len() != 22 || hash.len() != 31 {
        return Err(format.malformed("it needs a cost of two digits, 22 characters of salt and 31 of hash"));
    }
    let salt = base64_bcrypt(salt).ok_or(format.malformed("its salt is not bcrypt's base64"))?;
    let expected = base64_bcrypt(hash).ok_or(format.malformed("its hash is not bcrypt's base64"))?;
    let bcrypt = Bcrypt::new(format, number(format, cost)?, &salt)?;
    Ok(Stored::new(format, prehash, Recipe::Bcrypt(bcrypt), expected))
}
