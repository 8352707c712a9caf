//! ASP.NET Identity: one base64 text with a version in its first byte.

use super::{Reading, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64,
    hash::Hash,
    recipe::{Pbkdf2, Recipe},
};

/// Version, salt of 16 bytes, key of 32.
const V2_BYTES: usize = 49;
const V2_ROUNDS: u32 = 1_000;

pub(super) fn read(text: &str) -> Reading {
    let bytes = base64(text)?;
    match bytes.split_first()? {
        (0, rest) if bytes.len() == V2_BYTES => Some(v2(rest)),
        (1, rest) if bytes.len() > 13 => Some(v3(rest)),
        _ => None,
    }
}

fn v2(rest: &[u8]) -> Result<Stored, PasswordError> {
    let format = Format::AspNetV2;
    let (salt, key) = rest.split_at_checked(16).ok_or(format.malformed("it ends in its salt"))?;
    let pbkdf2 = Pbkdf2::new(format, Hash::Sha1, V2_ROUNDS, salt.to_vec(), key.len())?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), key.to_vec()))
}

/// Pseudorandom function, rounds and length of the salt, each 32 bits with the highest byte first; salt, key.
fn v3(rest: &[u8]) -> Result<Stored, PasswordError> {
    let format = Format::AspNetV3;
    let (head, rest) = rest.split_at_checked(12).ok_or(format.malformed("it ends in its parameters"))?;
    let (fields, _) = head.as_chunks::<4>();
    let [function, rounds, salt_length] =
        <[[u8; 4]; 3]>::try_from(fields).map_err(|_| format.malformed("it ends in its parameters"))?;
    let hash = match u32::from_be_bytes(function) {
        0 => Hash::Sha1,
        1 => Hash::Sha256,
        2 => Hash::Sha512,
        _ => return Err(format.malformed("its pseudorandom function is not known")),
    };
    let salt_length = u32::from_be_bytes(salt_length) as usize;
    let (salt, key) = rest.split_at_checked(salt_length).ok_or(format.malformed("it ends in its salt"))?;
    // As ASP.NET itself: 16 bytes of each at least. It writes 32 of the key.
    if salt.len() < 16 || !matches!(key.len(), 32 | 64) {
        return Err(format.malformed("its salt has less than 16 bytes, or its key neither 32 nor 64"));
    }
    let pbkdf2 = Pbkdf2::new(format, hash, u32::from_be_bytes(rounds), salt.to_vec(), key.len())?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), key.to_vec()))
}
