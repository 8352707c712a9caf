//! Scrypt as applications on Node.js write it: `SALT:HEX` of Better Auth, `HEX.SALT` of many templates.

use super::Reading;
use crate::password::{
    Format, PasswordError, Stored,
    encoding::hex,
    prehash::Prehash,
    recipe::{Recipe, Scrypt},
};

/// Both write 64 bytes in 128 digits.
const DIGITS: usize = 128;

pub(super) fn read(text: &str) -> Reading {
    let of_length = |text: &str, lengths: &[usize]| lengths.contains(&text.len()) && hex(text).is_some();
    if let Some((salt, digest)) = text.split_once(':')
        && of_length(salt, &[32])
        && of_length(digest, &[DIGITS])
    {
        return Some(assemble(Format::BetterAuthScrypt, Prehash::Nfkc, 16, salt, digest));
    }
    let (digest, salt) = text.split_once('.')?;
    (of_length(digest, &[DIGITS]) && of_length(salt, &[16, 32, 64]))
        .then(|| assemble(Format::NodeScrypt, Prehash::Nothing, 8, salt, digest))
}

/// The digits of the salt are the salt: neither decodes them.
fn assemble(format: Format, prehash: Prehash, block: u32, salt: &str, digest: &str) -> Result<Stored, PasswordError> {
    let expected = hex(digest).ok_or(format.malformed("its hash is not hexadecimal"))?;
    let scrypt = Scrypt::new(format, 14, block, 1, salt.as_bytes().to_vec())?;
    Ok(Stored::new(format, prehash, Recipe::Scrypt(scrypt), expected))
}
