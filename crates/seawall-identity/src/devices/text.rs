//! The credential of a device: `sw_dev_<8 signs: the id>_<43 signs: the secret>_<6 signs: the check>`, as keys are written.

use std::fmt;

use zeroize::Zeroizing;

use crate::keys::{
    checksum,
    text::{ALPHABET, Digest, ID, ID_ALPHABET, KeyId, SECRET, digest_of, random_signs},
};

const PREFIX: &str = "sw_dev_";
const CHECKED: usize = PREFIX.len() + ID + 1 + SECRET;
const WHOLE: usize = CHECKED + 1 + checksum::SIGNS;

/// What a credential says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: KeyId,
    pub(crate) digest: Digest,
}

/// Whether it is meant for a device's.
pub(crate) fn is_devices(text: &[u8]) -> bool {
    text.starts_with(PREFIX.as_bytes())
}

/// Reads a credential, without a look at what is known; nothing when it is none.
pub(crate) fn read(text: &[u8]) -> Option<Said> {
    let (checked, check) = text.split_at_checked(CHECKED)?;
    let (id, secret) = checked.strip_prefix(PREFIX.as_bytes())?.split_first_chunk::<ID>()?;
    let (secret, check) = (secret.strip_prefix(b"_")?, check.strip_prefix(b"_")?);
    let whole = text.len() == WHOLE
        && id.iter().all(|sign| ID_ALPHABET.contains(sign))
        && secret.iter().all(u8::is_ascii_alphanumeric)
        && *check == checksum::of(checked);
    whole.then(|| Said { id: *id, digest: digest_of(secret) })
}

/// A fresh credential, for the device it is made for; it is shown once.
#[derive(Clone)]
pub struct DeviceText(Zeroizing<String>);

impl DeviceText {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut text = Zeroizing::new(String::with_capacity(WHOLE));
        text.push_str(PREFIX);
        random_signs(ID, ID_ALPHABET, &mut text)?;
        text.push('_');
        random_signs(SECRET, ALPHABET, &mut text)?;
        let check = checksum::of(text.as_bytes());
        text.push('_');
        text.extend(check.map(char::from));
        Ok(Self(text))
    }

    /// As devices send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The public id.
    pub(crate) fn id(&self) -> &str {
        self.0.get(PREFIX.len()..PREFIX.len() + ID).unwrap_or_default()
    }

    /// What is kept of the secret.
    pub(crate) fn digest(&self) -> Digest {
        digest_of(self.0.as_bytes().get(CHECKED - SECRET..CHECKED).unwrap_or_default())
    }
}

impl fmt::Debug for DeviceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceText")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_credential_is_read_as_it_was_made() {
        let text = DeviceText::new().unwrap();
        let said = read(text.expose().as_bytes()).unwrap();
        assert_eq!((std::str::from_utf8(&said.id).unwrap(), said.digest), (text.id(), text.digest()));
        assert!(is_devices(text.expose().as_bytes()) && !is_devices(b"sw_live_x"));
        assert_eq!((text.expose().len(), format!("{text:?}")), (WHOLE, "DeviceText".to_owned()));
    }

    proptest! {
        #[test]
        fn one_with_another_sign_anywhere_is_none(at in 0_usize..66, sign in "[0-9A-Za-z_ -]") {
            let text = DeviceText::new().unwrap();
            let mut changed = text.expose().as_bytes().to_vec();
            let sign = sign.as_bytes()[0];
            prop_assume!(changed[at] != sign);
            changed[at] = sign;
            prop_assert_eq!(read(&changed), None);
            prop_assert_eq!(read(&changed[..at]), None);
        }
    }
}
