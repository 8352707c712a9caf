//! What browsers are asked, as `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{CEREMONY_S, Passkey, RelyingParty, UserVerification, cose::ALGORITHMS};

/// To make a passkey.
pub(crate) fn creation(
    party: &RelyingParty,
    challenge: &str,
    (handle, name): (&[u8], &str),
    have: &[Passkey],
) -> Value {
    let algorithms = ALGORITHMS.map(|algorithm| json!({ "type": "public-key", "alg": algorithm }));
    json!({
        "rp": { "id": party.id, "name": party.name },
        "user": { "id": URL_SAFE_NO_PAD.encode(handle), "name": name, "displayName": name },
        "challenge": challenge,
        "pubKeyCredParams": algorithms,
        "timeout": CEREMONY_S * 1_000,
        "excludeCredentials": descriptors(have),
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": false,
            "userVerification": party.user_verification.word(),
        },
        "attestation": "none",
        "extensions": { "credProps": true },
    })
}

/// To show one of these, or any when there are none of these.
pub(crate) fn request(
    party: &RelyingParty,
    challenge: &str,
    allowed: &[Value],
    verification: UserVerification,
) -> Value {
    let mut options = json!({
        "challenge": challenge,
        "timeout": CEREMONY_S * 1_000,
        "rpId": party.id,
        "userVerification": verification.word(),
    });
    // An empty list means any; there are clients that take it for none.
    if let (false, Some(fields)) = (allowed.is_empty(), options.as_object_mut()) {
        fields.insert("allowCredentials".to_owned(), json!(allowed));
    }
    options
}

/// Passkeys of somebody who is known.
pub(crate) fn descriptors(have: &[Passkey]) -> Vec<Value> {
    let one = |passkey: &Passkey| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&passkey.credential_id), "transports": passkey.transports });
    have.iter().map(one).collect()
}

/// Credentials of somebody who is not known yet: their ids alone, so that those that are made up look the same.
pub(crate) fn bare_descriptors(ids: &[Vec<u8>]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) })).collect()
}
