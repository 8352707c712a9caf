//! The formats: from the text that an application stored to what has to be computed.

mod aspnet;
mod bcrypt;
mod crypt;
mod declared;
mod django;
mod firebase;
mod keycloak;
mod ldap;
mod name;
mod node;
mod own;
mod passlib;
mod phc;
mod werkzeug;

pub use name::Format;
pub(super) use own::{write, write_options};

use super::{PasswordError, Stored, encoding::hex, hash::Hash, prehash::Prehash, recipe::Recipe};

/// Longer texts are no stored passwords.
const MOST_BYTES: usize = 4096;

/// What a reader says: nothing when the text is none of its formats.
type Reading = Option<Result<Stored, PasswordError>>;

/// Each knows its formats by how they begin; the last know them by their shape.
const READERS: [fn(&str) -> Reading; 12] = [
    own::read,
    phc::read,
    passlib::read,
    bcrypt::read,
    crypt::read,
    firebase::read,
    declared::read,
    django::read,
    werkzeug::read,
    keycloak::read,
    ldap::read,
    shapes,
];

pub(super) fn parse(text: &str) -> Result<Stored, PasswordError> {
    if text.is_empty() {
        return Err(PasswordError::Unknown("it is empty"));
    }
    if text.len() > MOST_BYTES {
        return Err(PasswordError::Unknown("it is longer than 4,096 bytes"));
    }
    READERS.iter().find_map(|read| read(text)).unwrap_or_else(|| Err(PasswordError::Unknown(why_unknown(text))))
}

fn shapes(text: &str) -> Reading {
    node::read(text).or_else(|| aspnet::read(text))
}

fn why_unknown(text: &str) -> &'static str {
    if hex(text).is_some_and(|bytes| matches!(bytes.len(), 16 | 20 | 28 | 32 | 48 | 64)) {
        return "a bare hexadecimal digest does not say how it was made; declare it, as in `digest:sha256:HEX`";
    }
    match text.as_bytes() {
        [b'!' | b'*', ..] => "it begins like a locked account's, which has no password",
        [b'$', ..] => "it begins with `$`, and what follows is the name of no format",
        [b'{', ..] => "it begins with `{`, and is neither an LDAP scheme nor Keycloak's JSON",
        _ => "it looks like no format; if it is the password itself, declare it, as in `plain:PASSWORD`",
    }
}

/// A decimal number; one that is too large for any bound is the largest.
fn number(format: Format, text: &str) -> Result<u32, PasswordError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format.malformed("a number is missing"));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

/// The parts between separators, exactly so many.
fn parts<const N: usize>(format: Format, text: &str, separator: char) -> Result<[&str; N], PasswordError> {
    let parts: Vec<&str> = text.splitn(N + 1, separator).collect();
    parts.try_into().map_err(|_| format.malformed("it has not as many parts as it should"))
}

/// One digest over password and salt, in hexadecimal.
fn hex_digest(format: Format, hash: Hash, text: &str) -> Result<Vec<u8>, PasswordError> {
    let expected = hex(text).ok_or(format.malformed("its digest is not hexadecimal"))?;
    sized(format, expected, hash.length())
}

fn sized(format: Format, expected: Vec<u8>, length: usize) -> Result<Vec<u8>, PasswordError> {
    if expected.len() == length {
        Ok(expected)
    } else {
        Err(format.malformed("its digest is not as long as it should be"))
    }
}

fn stored(format: Format, recipe: Recipe, expected: Vec<u8>) -> Stored {
    Stored::new(format, Prehash::Nothing, recipe, expected)
}
