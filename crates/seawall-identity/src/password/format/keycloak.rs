//! Keycloak: a credential as its exports have it, JSON with JSON in it.

use serde_json::Value;

use super::{Reading, sized, stored};
use crate::password::{
    Format, PasswordError, Stored,
    encoding::base64,
    hash::Hash,
    recipe::{self, Argon2, Pbkdf2, Recipe, Variant},
};

const FORMAT: Format = Format::Keycloak;

pub(super) fn read(text: &str) -> Reading {
    if !text.starts_with('{') || !text.contains('"') {
        return None;
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Some(Err(FORMAT.malformed("it is not whole JSON")));
    };
    Some(credential(&value))
}

fn credential(value: &Value) -> Result<Stored, PasswordError> {
    let (secret, data) = (nested(value, "secretData")?, nested(value, "credentialData")?);
    let bytes = |name: &str| -> Result<Vec<u8>, PasswordError> {
        let text = secret.get(name).and_then(Value::as_str).ok_or(FORMAT.malformed("its value or salt is missing"))?;
        base64(text).ok_or(FORMAT.malformed("its value or salt is not base64"))
    };
    let (expected, salt) = (bytes("value")?, bytes("salt")?);
    let rounds =
        data.get("hashIterations").and_then(Value::as_u64).ok_or(FORMAT.malformed("`hashIterations` is missing"))?;
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    let algorithm = data.get("algorithm").and_then(Value::as_str).ok_or(FORMAT.malformed("`algorithm` is missing"))?;
    let hash = match algorithm {
        "pbkdf2" => Hash::Sha1,
        "pbkdf2-sha256" => Hash::Sha256,
        "pbkdf2-sha512" => Hash::Sha512,
        "argon2" => return argon2(&data, rounds, salt, expected),
        _ => return Err(FORMAT.malformed("its algorithm is not one of Keycloak's own")),
    };
    // Keycloak derived 64 bytes before it took as many as the digest has.
    if !matches!(expected.len(), 20 | 32 | 64) {
        return Err(FORMAT.malformed("its value has neither 20 nor 32 nor 64 bytes"));
    }
    let pbkdf2 = Pbkdf2::new(FORMAT, hash, rounds, salt, expected.len())?;
    Ok(stored(FORMAT, Recipe::Pbkdf2(pbkdf2), expected))
}

fn argon2(data: &Value, passes: u32, salt: Vec<u8>, expected: Vec<u8>) -> Result<Stored, PasswordError> {
    let parameter = |name: &str| {
        let values = data.get("additionalParameters").and_then(|all| all.get(name));
        values
            .and_then(|values| values.get(0))
            .and_then(Value::as_str)
            .ok_or(FORMAT.malformed("an argon2 parameter is missing"))
    };
    let number = |name: &str| super::number(FORMAT, parameter(name)?);
    let variant = match parameter("type")? {
        "id" => Variant::Id,
        "i" => Variant::I,
        "d" => Variant::D,
        _ => return Err(FORMAT.malformed("its argon2 is neither id nor i nor d")),
    };
    let version = match parameter("version")? {
        "1.3" => 0x13,
        "1.0" => 0x10,
        _ => return Err(FORMAT.malformed("its argon2 has an unknown version")),
    };
    let length = number("hashLength")? as usize;
    if !(16..=128).contains(&length) {
        return Err(FORMAT.malformed("its hash has less than 16 or more than 128 bytes"));
    }
    let (memory_kib, lanes) = (number("memory")?, number("parallelism")?);
    let demand = recipe::Demand { variant, version, memory_kib, passes, lanes, salt };
    Ok(stored(FORMAT, Recipe::Argon2(Argon2::new(FORMAT, demand)?), sized(FORMAT, expected, length)?))
}

/// An object, or a text that holds one.
fn nested(value: &Value, name: &str) -> Result<Value, PasswordError> {
    match value.get(name) {
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| FORMAT.malformed("`secretData` or `credentialData` is not JSON"))
        }
        Some(object @ Value::Object(_)) => Ok(object.clone()),
        _ => Err(FORMAT.malformed("`secretData` or `credentialData` is missing")),
    }
}
