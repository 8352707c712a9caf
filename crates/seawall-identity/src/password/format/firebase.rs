//! Firebase's scrypt with its project's parameters in front, in the two forms that other products import.

use super::{Reading, number, parts};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64_any,
    prehash::Prehash,
    recipe::{Firebase, Recipe, Scrypt},
};

const FORMAT: Format = Format::FirebaseScrypt;

pub(super) fn read(text: &str) -> Reading {
    if let Some(rest) = text.strip_prefix("$fbscrypt$") {
        return Some(supabase(rest));
    }
    text.strip_prefix("$firescrypt$").map(kratos)
}

/// `v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=KEY$SALT$HASH`, where n is the log2 of scrypt's N.
fn supabase(rest: &str) -> Result<Stored, PasswordError> {
    let [parameters, salt, hash] = parts(FORMAT, rest, '$')?;
    let [version, n, r, p, separator, key]: [&str; 6] = parts(FORMAT, parameters, ',')?;
    value(version, "v=").filter(|version| *version == "1").ok_or(FORMAT.malformed("its version is not 1"))?;
    let missing = FORMAT.malformed("a project parameter is missing");
    let (Some(n), Some(r), Some(p)) = (value(n, "n="), value(r, "r="), value(p, "p=")) else { return Err(missing) };
    let (Some(separator), Some(key)) = (value(separator, "ss="), value(key, "sk=")) else { return Err(missing) };
    assemble([n, r, p], salt, separator, key, hash)
}

/// `ln=14,r=8,p=1$SALT$HASH$SEPARATOR$KEY`.
fn kratos(rest: &str) -> Result<Stored, PasswordError> {
    let [parameters, salt, hash, separator, key] = parts(FORMAT, rest, '$')?;
    let [n, r, p]: [&str; 3] = parts(FORMAT, parameters, ',')?;
    let (Some(n), Some(r), Some(p)) = (value(n, "ln="), value(r, "r="), value(p, "p=")) else {
        return Err(FORMAT.malformed("a project parameter is missing"));
    };
    assemble([n, r, p], salt, separator, key, hash)
}

fn value<'a>(parameter: &'a str, name: &str) -> Option<&'a str> {
    parameter.strip_prefix(name)
}

fn assemble([n, r, p]: [&str; 3], salt: &str, separator: &str, key: &str, hash: &str) -> Result<Stored, PasswordError> {
    let bytes = |text: &str| base64_any(text).ok_or(FORMAT.malformed("a part is not base64"));
    let (mut salt, separator, signer_key, expected) = (bytes(salt)?, bytes(separator)?, bytes(key)?, bytes(hash)?);
    if expected.len() != signer_key.len() || expected.len() < 32 {
        return Err(FORMAT.malformed("its hash is not as long as the signer key, or that is shorter than 32 bytes"));
    }
    salt.extend(separator);
    let log_n = u8::try_from(number(FORMAT, n)?).unwrap_or(u8::MAX);
    let scrypt = Scrypt::new(FORMAT, log_n, number(FORMAT, r)?, number(FORMAT, p)?, salt)?;
    Ok(Stored::new(FORMAT, Prehash::Nothing, Recipe::Firebase(Firebase { scrypt, signer_key }), expected))
}
