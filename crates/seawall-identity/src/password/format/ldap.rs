//! LDAP: a scheme in braces, and base64 of a digest with its salt behind it.

use super::{Reading, crypt, passlib, sized, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64,
    hash::Hash,
    recipe::{Digest, Recipe, SaltAt},
};

const FORMAT: Format = Format::LdapDigest;

pub(super) fn read(text: &str) -> Reading {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    Some(match scheme.to_ascii_uppercase().as_str() {
        "MD5" => unsalted(Hash::Md5, rest),
        "SHA" => unsalted(Hash::Sha1, rest),
        "SHA256" => unsalted(Hash::Sha256, rest),
        "SHA384" => unsalted(Hash::Sha384, rest),
        "SHA512" => unsalted(Hash::Sha512, rest),
        "SMD5" => salted(Hash::Md5, rest),
        "SSHA" => salted(Hash::Sha1, rest),
        "SSHA256" => salted(Hash::Sha256, rest),
        "SSHA384" => salted(Hash::Sha384, rest),
        "SSHA512" => salted(Hash::Sha512, rest),
        "PBKDF2" | "PBKDF2-SHA1" => passlib::pbkdf2(Format::LdapPbkdf2, Hash::Sha1, rest),
        "PBKDF2-SHA256" => passlib::pbkdf2(Format::LdapPbkdf2, Hash::Sha256, rest),
        "PBKDF2-SHA512" => passlib::pbkdf2(Format::LdapPbkdf2, Hash::Sha512, rest),
        "ARGON2" => inner(rest, super::phc::read),
        "BLF-CRYPT" => inner(rest, super::bcrypt::read),
        "CRYPT" | "MD5-CRYPT" | "SHA256-CRYPT" | "SHA512-CRYPT" => {
            inner(rest, |text| crypt::read(text).or_else(|| super::bcrypt::read(text)))
        }
        "CLEARTEXT" | "PLAIN" => Ok(stored(Format::Plain, Recipe::Plain, rest.as_bytes().to_vec())),
        _ => return None,
    })
}

fn unsalted(hash: Hash, text: &str) -> Result<Stored, PasswordError> {
    let expected = sized(FORMAT, bytes(text)?, hash.length())?;
    Ok(stored(FORMAT, Recipe::Digest(Digest::unsalted(hash)), expected))
}

fn salted(hash: Hash, text: &str) -> Result<Stored, PasswordError> {
    let mut expected = bytes(text)?;
    if expected.len() <= hash.length() {
        return Err(FORMAT.malformed("no salt follows its digest"));
    }
    let salt = expected.split_off(hash.length());
    Ok(stored(FORMAT, Recipe::Digest(Digest { hash, salt_at: SaltAt::After, salt }), expected))
}

fn bytes(text: &str) -> Result<Vec<u8>, PasswordError> {
    base64(text).ok_or(FORMAT.malformed("it is not base64"))
}

fn inner(text: &str, read: impl Fn(&str) -> Reading) -> Result<Stored, PasswordError> {
    if text.starts_with('$') {
        read(text)
            .unwrap_or_else(|| Err(FORMAT.malformed("the hash behind the scheme is in no format that it may be in")))
    } else {
        Err(PasswordError::Unsupported("crypt with DES"))
    }
}
