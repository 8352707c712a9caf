//! Crypt's formats: `$1$`, `$apr1$`, `$5$`, `$6$`, and PHP's `$P$`, `$H$`, `$S$`.

use super::{Reading, number, sized};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::{crypt, crypt_digit},
    hash::Hash,
    prehash::Prehash,
    recipe::{DEFAULT_ROUNDS, Flavour, Md5Crypt, Phpass, Recipe, ShaCrypt},
};

/// Which byte of the digest stands where in the text.
const MD5_ORDER: [usize; 16] = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];
const SHA256_ORDER: [usize; 32] = [
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28, 18, 29, 19, 9, 30,
    31,
];
const SHA512_ORDER: [usize; 64] = [
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8, 50, 51, 30, 9, 10,
    52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58, 37, 38, 17, 59, 60, 39, 18, 19, 61, 40,
    41, 20, 62, 63,
];
/// Drupal cuts its text after 55 characters: 43 of the digest, which are 32 bytes and two bits.
const DRUPAL_CHARACTERS: usize = 43;

pub(super) fn read(text: &str) -> Reading {
    // Drupal 7 wrote a `U` before the hashes that it made of Drupal 6's.
    let (name, rest) = match text.strip_prefix("U$S$") {
        Some(rest) => ("U$S", rest),
        None => text.strip_prefix('$')?.split_once('$')?,
    };
    Some(match name {
        "1" => md5(Format::Md5Crypt, Flavour::Unix, rest),
        "apr1" => md5(Format::Apr1, Flavour::Apache, rest),
        "5" => sha(Format::Sha256Crypt, &SHA256_ORDER, rest),
        "6" => sha(Format::Sha512Crypt, &SHA512_ORDER, rest),
        "P" | "H" => phpass(rest),
        "S" => drupal7(Prehash::Nothing, rest),
        "U$S" => drupal7(Prehash::Hex(Hash::Md5), rest),
        "y" | "gy" | "7" => Err(PasswordError::Unsupported("yescrypt")),
        "sha1" => Err(PasswordError::Unsupported("crypt with SHA-1 of NetBSD")),
        "md5" => Err(PasswordError::Unsupported("crypt with MD5 of Solaris")),
        "3" => Err(PasswordError::Unsupported("the NT hash")),
        _ => return None,
    })
}

fn md5(format: Format, flavour: Flavour, rest: &str) -> Result<Stored, PasswordError> {
    let (salt, hash) = rest.split_once('$').ok_or(format.malformed("it ends after its salt"))?;
    if salt.len() > 8 {
        return Err(format.malformed("its salt has more than 8 characters"));
    }
    let expected = transposed(format, hash, &MD5_ORDER)?;
    let recipe = Recipe::Md5Crypt(Md5Crypt { flavour, salt: salt.as_bytes().to_vec() });
    Ok(Stored::new(format, Prehash::Nothing, recipe, expected))
}

fn sha(format: Format, order: &[usize], rest: &str) -> Result<Stored, PasswordError> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(format.malformed("it ends after its rounds"))?;
            (number(format, rounds)?, rest)
        }
        None => (DEFAULT_ROUNDS, rest),
    };
    let (salt, hash) = rest.split_once('$').ok_or(format.malformed("it ends after its salt"))?;
    if salt.len() > 16 {
        return Err(format.malformed("its salt has more than 16 characters"));
    }
    let expected = transposed(format, hash, order)?;
    let recipe = Recipe::ShaCrypt(ShaCrypt::new(format, rounds, salt.as_bytes().to_vec())?);
    Ok(Stored::new(format, Prehash::Nothing, recipe, expected))
}

fn transposed(format: Format, text: &str, order: &[usize]) -> Result<Vec<u8>, PasswordError> {
    let read = crypt(text).ok_or(format.malformed("its hash is not in crypt's alphabet"))?;
    let read = sized(format, read, order.len())?;
    let mut digest = vec![0; order.len()];
    for (place, byte) in order.iter().zip(read) {
        if let Some(slot) = digest.get_mut(*place) {
            *slot = byte;
        }
    }
    Ok(digest)
}

fn phpass(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Phpass;
    let (rounds, salt, hash) = phpass_parts(format, rest)?;
    let expected = crypt(hash).ok_or(format.malformed("its hash is not in crypt's alphabet"))?;
    let recipe = Recipe::Phpass(Phpass::new(format, Hash::Md5, rounds, salt)?);
    Ok(Stored::new(format, Prehash::Nothing, recipe, sized(format, expected, 16)?))
}

fn drupal7(prehash: Prehash, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Drupal7;
    let (rounds, salt, hash) = phpass_parts(format, rest)?;
    if hash.len() != DRUPAL_CHARACTERS {
        return Err(format.malformed("it has not 55 characters"));
    }
    // With one character more these are whole groups; of the 33rd byte there are two bits, which are left out.
    let mut expected = crypt(&format!("{hash}.")).ok_or(format.malformed("its hash is not in crypt's alphabet"))?;
    expected.truncate(32);
    let recipe = Recipe::Phpass(Phpass::new(format, Hash::Sha512, rounds, salt)?);
    Ok(Stored::new(format, prehash, recipe, sized(format, expected, 32)?))
}

/// A character for the rounds, eight of salt, the rest.
fn phpass_parts(format: Format, rest: &str) -> Result<(u32, Vec<u8>, &str), PasswordError> {
    let rounds =
        rest.bytes().next().and_then(crypt_digit).ok_or(format.malformed("its number of rounds is missing"))?;
    let salt = rest.get(1..9).ok_or(format.malformed("its salt has less than 8 characters"))?;
    let hash = rest.get(9..).ok_or(format.malformed("it ends after its salt"))?;
    Ok((rounds, salt.as_bytes().to_vec(), hash))
}
