//! The credential of a device: `sw_dev_`, and what follows every prefix.

use std::fmt;

use crate::keys::form::{self, Digest, Said};

const PREFIX: &str = "sw_dev_";

/// Whether it is meant for a device's.
pub(crate) fn is_devices(text: &[u8]) -> bool {
    text.starts_with(PREFIX.as_bytes())
}

/// Reads a credential, without a look at what is known; nothing when it is none.
pub(crate) fn read(text: &[u8]) -> Option<Said> {
    form::read(text, PREFIX)
}

/// A fresh credential, for the device it is made for; it is shown once.
#[derive(Clone)]
pub struct DeviceText(form::Text);

impl DeviceText {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        form::Text::new(PREFIX).map(Self)
    }

    /// As devices send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The public id.
    pub(crate) fn id(&self) -> &str {
        self.0.id()
    }

    /// What is kept of the secret.
    pub(crate) fn digest(&self) -> Digest {
        self.0.digest()
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
        assert_eq!((text.expose().len(), format!("{text:?}")), (66, "DeviceText".to_owned()));
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
