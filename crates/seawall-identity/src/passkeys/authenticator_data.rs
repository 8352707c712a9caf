//! Authenticator data (WebAuthn Level 3, section 6.1): what an authenticator signs, beside the hash of what the browser says.

use super::{Refusal, cbor};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// The longest id of a credential, in bytes (section 4, "Credential ID").
pub(super) const LONGEST_ID: usize = 1_023;

/// The largest public key, in bytes: RSA of 4,096 bits and its labels.
const LARGEST_KEY: usize = 600;

/// What was read.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: &'a [u8],
    flags: u8,
    pub(super) counter: u32,
    pub(super) credential: Option<Attested<'a>>,
}

/// A credential that was made.
#[derive(Debug)]
pub(super) struct Attested<'a> {
    pub(super) aaguid: &'a [u8],
    pub(super) id: &'a [u8],
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest, 32)?;
        let flags = take(&mut rest, 1)?.first().copied().unwrap_or_default();
        let counter = take(&mut rest, 4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(Attested::read(&mut rest)?) };
        if flags & HAS_EXTENSIONS != 0 {
            let (extensions, behind) = cbor::first(rest)?;
            if !matches!(extensions, cbor::Value::Map(_)) {
                return Err(Refusal::AuthenticatorData("its extensions are no map"));
            }
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(Refusal::AuthenticatorData("something stands behind it"));
        }
        Ok(Self { rp_id_hash, flags, counter, credential })
    }

    /// Somebody touched it.
    pub(super) const fn present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    /// It knows who: by a PIN, a finger, a face.
    pub(super) const fn verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// The key may be on other devices of its owner.
    pub(super) const fn backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    /// It is.
    pub(super) const fn backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

impl<'a> Attested<'a> {
    fn read(rest: &mut &'a [u8]) -> Result<Self, Refusal> {
        let aaguid = take(rest, 16)?;
        let length = take(rest, 2)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        if !(1..=LONGEST_ID).contains(&length) {
            return Err(Refusal::CredentialId);
        }
        let id = take(rest, length)?;
        let whole = *rest;
        let (_, behind) = cbor::first(whole)?;
        let key = whole.get(..whole.len() - behind.len()).unwrap_or_default();
        if key.len() > LARGEST_KEY {
            return Err(Refusal::Key("it is larger than any that is taken here"));
        }
        *rest = behind;
        Ok(Self { aaguid, id, key })
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Refusal> {
    let (taken, behind) = rest.split_at_checked(count).ok_or(Refusal::AuthenticatorData("it is too short"))?;
    *rest = behind;
    Ok(taken)
}
