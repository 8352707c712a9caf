//! Signed documents: one line of JSON, and a second one with who signed it.
//!
//! The signature is over the bytes of the first line as they are, so that nothing depends on how JSON is written.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::BackupError;
use crate::{
    audit::{SigningKey, key_id, statement_signed},
    hex::{hex, unhex},
};

/// What is signed begins with this and the document's own name, so that a document means nothing at another name.
const DOMAIN: &str = "seawall backup document 1";

#[derive(Serialize, Deserialize)]
struct Signature {
    key_id: String,
    signature: String,
}

/// A document as it is stored under `name`.
pub(super) fn sign<T: Serialize>(key: &SigningKey, name: &str, value: &T) -> Result<Bytes, BackupError> {
    let unfit = |error: serde_json::Error| BackupError::Unfit(format!("{name} cannot be written: {error}"));
    let body = serde_json::to_string(value).map_err(unfit)?;
    let signature = hex(&key.sign_statement(&statement(name, &body)));
    let signature = serde_json::to_string(&Signature { key_id: key.id().to_owned(), signature }).map_err(unfit)?;
    Ok(Bytes::from(format!("{body}\n{signature}\n")))
}

/// Reads a document that one of these public keys signed.
pub(super) fn read<T: DeserializeOwned>(trusted: &[Vec<u8>], name: &str, bytes: &[u8]) -> Result<T, BackupError> {
    let damaged = |reason: &str| BackupError::Damaged { object: name.to_owned(), reason: reason.to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))?;
    let mut lines = text.lines();
    let (Some(body), Some(signature)) = (lines.next(), lines.next()) else {
        return Err(damaged("it has no signature"));
    };
    let signature: Signature = serde_json::from_str(signature).map_err(|_| damaged("its signature cannot be read"))?;
    let bytes = unhex(&signature.signature).ok_or_else(|| damaged("its signature cannot be read"))?;
    let statement = statement(name, body);
    let signed = trusted.iter().any(|key| key_id(key) == signature.key_id && statement_signed(key, &statement, &bytes));
    if !signed {
        return Err(BackupError::Forged { object: name.to_owned() });
    }
    serde_json::from_str(body).map_err(|error| damaged(&error.to_string()))
}

fn statement(name: &str, body: &str) -> Vec<u8> {
    format!("{DOMAIN}\n{name}\n{body}").into_bytes()
}
