//! PHC strings, `$NAME$v=VERSION$PARAMETERS$SALT$HASH`: argon2, scrypt, PBKDF2.

use super::{Reading, number, parts, sized, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::{base64, base64_adapted},
    hash::Hash,
    recipe::{self, Argon2, Pbkdf2, Recipe, Scrypt, Variant},
};

pub(super) fn read(text: &str) -> Reading {
    if let Some(reading) = argon2(text) {
        return Some(reading.map(|(format, argon2, expected)| stored(format, Recipe::Argon2(argon2), expected)));
    }
    if let Some(rest) = text.strip_prefix("$scrypt$") {
        return Some(scrypt(rest));
    }
    // With a name before the number of rounds; passlib leaves it out.
    let (hash, rest) =
        [("$pbkdf2-sha1$i=", Hash::Sha1), ("$pbkdf2-sha256$i=", Hash::Sha256), ("$pbkdf2-sha512$i=", Hash::Sha512)]
            .into_iter()
            .find_map(|(begin, hash)| Some((hash, text.strip_prefix(begin)?)))?;
    Some(pbkdf2(hash, rest))
}

type Argon2Reading = Result<(Format, Argon2, Vec<u8>), PasswordError>;

/// One of the argon2 family.
pub(super) fn argon2(text: &str) -> Option<Argon2Reading> {
    let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
    let (format, variant) = match name {
        "argon2id" => (Format::Argon2id, Variant::Id),
        "argon2i" => (Format::Argon2i, Variant::I),
        "argon2d" => (Format::Argon2d, Variant::D),
        _ => return None,
    };
    Some(argon2_of(format, variant, rest))
}

fn argon2_of(format: Format, variant: Variant, rest: &str) -> Argon2Reading {
    // Argon2's first version had no `v`.
    let (version, rest) = match rest.strip_prefix("v=") {
        Some(rest) => {
            let (version, rest) = rest.split_once('$').ok_or(format.malformed("it ends after its version"))?;
            (number(format, version)?, rest)
        }
        None => (0x10, rest),
    };
    let [parameters, salt, hash] = parts(format, rest, '$')?;
    let [memory_kib, passes, lanes] = named(format, parameters, ["m", "t", "p"])?;
    let salt = base64(salt).ok_or(format.malformed("its salt is not base64"))?;
    let expected = base64(hash).ok_or(format.malformed("its hash is not base64"))?;
    if !(16..=128).contains(&expected.len()) {
        return Err(format.malformed("its hash has less than 16 or more than 128 bytes"));
    }
    let demand = recipe::Demand { variant, version, memory_kib, passes, lanes, salt };
    Ok((format, Argon2::new(format, demand)?, expected))
}

/// With `ln`, or with N itself as `n`, as AdonisJS writes it.
fn scrypt(rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Scrypt;
    let [parameters, salt, hash] = parts(format, rest, '$')?;
    let salt = base64_adapted(salt).ok_or(format.malformed("its salt is not base64"))?;
    let expected = base64_adapted(hash).ok_or(format.malformed("its hash is not base64"))?;
    if !matches!(expected.len(), 32 | 64) {
        return Err(format.malformed("its hash has neither 32 nor 64 bytes"));
    }
    let (scrypt, expected) = if parameters.starts_with("n=") {
        let [n, block, parallelism] = named(format, parameters, ["n", "r", "p"])?;
        let expected = sized(format, expected, 64)?;
        (Scrypt::with_n(format, n.into(), block, parallelism, salt)?, expected)
    } else {
        let [log_n, block, parallelism] = named(format, parameters, ["ln", "r", "p"])?;
        let log_n = u8::try_from(log_n).unwrap_or(u8::MAX);
        (Scrypt::new(format, log_n, block, parallelism, salt)?, expected)
    };
    Ok(stored(format, Recipe::Scrypt(scrypt), expected))
}

fn pbkdf2(hash: Hash, rest: &str) -> Result<Stored, PasswordError> {
    let format = Format::Pbkdf2;
    let [parameters, salt, digest] = parts(format, rest, '$')?;
    let (rounds, length) = match parameters.split_once(",l=") {
        Some((rounds, length)) => (rounds, number(format, length)? as usize),
        None => (parameters, hash.length()),
    };
    if !(16..=128).contains(&length) {
        return Err(format.malformed("its hash has less than 16 or more than 128 bytes"));
    }
    let salt = base64(salt).ok_or(format.malformed("its salt is not base64"))?;
    let expected = base64(digest).ok_or(format.malformed("its hash is not base64"))?;
    let pbkdf2 = Pbkdf2::new(format, hash, number(format, rounds)?, salt, length)?;
    Ok(stored(format, Recipe::Pbkdf2(pbkdf2), sized(format, expected, length)?))
}

/// `a=1,b=2,c=3`, in this order, as all who write it do.
fn named<const N: usize>(format: Format, text: &str, names: [&str; N]) -> Result<[u32; N], PasswordError> {
    let mut values = [0; N];
    let parameters: [&str; N] = parts(format, text, ',')?;
    for ((value, parameter), name) in values.iter_mut().zip(parameters).zip(names) {
        let text = parameter.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        *value = number(format, text.ok_or(format.malformed("a cost parameter is missing"))?)?;
    }
    Ok(values)
}
