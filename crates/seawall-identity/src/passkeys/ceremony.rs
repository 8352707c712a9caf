//! The two ceremonies, as far as they decide something: a credential that is made, and one that is shown (WebAuthn Level 3, sections
//! 7.1 and 7.2). Numbers in comments are the steps there.

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    Refusal, RelyingParty,
    authenticator_data::{Attested, AuthenticatorData},
    cbor, client_data,
    cose::Key,
};

/// Whether the authenticator has to know who touched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// It has to.
    Required,
    /// It is taken either way.
    AsItIs,
}

/// What is asked of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) party: &'a RelyingParty,
    /// In base64url.
    pub(crate) challenge: &'a str,
    pub(crate) verified: Verified,
}

/// A credential that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) id: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) counter: u32,
    pub(crate) aaguid: Vec<u8>,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) verified: bool,
}

/// What is known of a credential that is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) counter: u32,
    pub(crate) backup_eligible: bool,
}

/// A credential that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) counter: u32,
    pub(crate) backed_up: bool,
    pub(crate) verified: bool,
}

/// What an authenticator answers when a credential is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assertion<'a> {
    pub(crate) client_data: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// A credential is made (7.1).
pub(crate) fn made(expected: Expected<'_>, client_data: &[u8], attestation: &[u8]) -> Result<Made, Refusal> {
    // 5 to 11: the JSON, its type, the challenge, the origin, and no frame of another site.
    client_data::check(client_data, "webauthn.create", expected.challenge, expected.party)?;
    // 13: the attestation object. None was asked for, so that of whatever format one came, its statement proves nothing here (22).
    let object = cbor::whole(attestation)?;
    let Some(cbor::Value::Text(_)) = object.named("fmt") else { return Err(Refusal::Attestation) };
    let Some(cbor::Value::Map(_)) = object.named("attStmt") else { return Err(Refusal::Attestation) };
    let data = object.named("authData").and_then(cbor::Value::bytes).ok_or(Refusal::Attestation)?;
    let data = AuthenticatorData::read(data)?;
    // 14 to 18.
    common(expected, &data)?;
    let Some(Attested { aaguid, id, key }) = &data.credential else {
        return Err(Refusal::AuthenticatorData("it holds no credential"));
    };
    // 20: the algorithm is one that was offered, and the key can be used.
    Key::read(key)?;
    // 25, that the id is at most 1,023 bytes, was seen when it was read; 26, that nobody has it, is for the table.
    Ok(Made {
        id: id.to_vec(),
        key: key.to_vec(),
        counter: data.counter,
        aaguid: aaguid.to_vec(),
        backup_eligible: data.backup_eligible(),
        backed_up: data.backed_up(),
        verified: data.verified(),
    })
}

/// A credential is shown (7.2, from step 8 on: whose it is was found before).
pub(crate) fn shown(expected: Expected<'_>, known: Known<'_>, assertion: Assertion<'_>) -> Result<Shown, Refusal> {
    // 8 to 14.
    client_data::check(assertion.client_data, "webauthn.get", expected.challenge, expected.party)?;
    let data = AuthenticatorData::read(assertion.authenticator_data)?;
    if data.credential.is_some() {
        return Err(Refusal::AuthenticatorData("it holds a credential that nobody asked for"));
    }
    // 15 to 18.
    common(expected, &data)?;
    // 19: whether a key may leave its device is said once and for all.
    if data.backup_eligible() != known.backup_eligible {
        return Err(Refusal::BackupFlags);
    }
    // 20 and 21: the signature is over both, under the key and the algorithm that were registered.
    let hash = digest(&SHA256, assertion.client_data);
    let message = [assertion.authenticator_data, hash.as_ref()].concat();
    if !Key::read(known.key)?.verifies(&message, assertion.signature) {
        return Err(Refusal::Signature);
    }
    // 22: a counter that counts goes up. Authenticators that do not count say zero always.
    if (data.counter > 0 || known.counter > 0) && data.counter <= known.counter {
        return Err(Refusal::Counter { known: known.counter, shown: data.counter });
    }
    Ok(Shown { counter: data.counter, backed_up: data.backed_up(), verified: data.verified() })
}

fn common(expected: Expected<'_>, data: &AuthenticatorData<'_>) -> Result<(), Refusal> {
    if data.rp_id_hash != digest(&SHA256, expected.party.id.as_bytes()).as_ref() {
        return Err(Refusal::RelyingParty);
    }
    if !data.present() {
        return Err(Refusal::NotPresent);
    }
    if expected.verified == Verified::Required && !data.verified() {
        return Err(Refusal::NotVerified);
    }
    if data.backed_up() && !data.backup_eligible() {
        return Err(Refusal::BackupFlags);
    }
    Ok(())
}
