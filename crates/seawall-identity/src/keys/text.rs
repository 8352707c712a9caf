//! A key as it is written: `sw_live_`, or `sw_test_`, and what follows every prefix.

use std::fmt;

use seawall_core::Environment;

use super::form::{self, Digest, Said};

/// How much of a key may be logged (checklist WK-9).
const START: usize = 10;

/// For which environments a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Production.
    Live,
    /// All others.
    Test,
}

impl KeyKind {
    /// Those of an environment.
    #[must_use]
    pub fn of(environment: Environment) -> Self {
        if environment == Environment::Production { Self::Live } else { Self::Test }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "sw_live_",
            Self::Test => "sw_test_",
        }
    }
}

/// Why a text is no key of this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// It has another form, or its check is wrong.
    Malformed,
    /// It is one of another kind of environment.
    OtherKind,
}

/// Reads a key, without a look at what is known.
pub(super) fn read(text: &[u8], kind: KeyKind) -> Result<Said, NoKey> {
    let known = [KeyKind::Live, KeyKind::Test].into_iter().find(|kind| text.starts_with(kind.prefix().as_bytes()));
    let known = known.ok_or(NoKey::Malformed)?;
    let said = form::read(text, known.prefix()).ok_or(NoKey::Malformed)?;
    if known == kind { Ok(said) } else { Err(NoKey::OtherKind) }
}

/// The beginning of what was shown as a key, which may be logged: signs of keys alone.
pub(super) fn start(text: &[u8]) -> String {
    let sign = |byte: &u8| if byte.is_ascii_alphanumeric() || *byte == b'_' { char::from(*byte) } else { '?' };
    text.iter().take(START).map(sign).collect()
}

/// A fresh key, for whoever it is made for; it is shown once.
#[derive(Clone)]
pub struct KeyText(form::Text);

impl KeyText {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(kind: KeyKind) -> Result<Self, getrandom::Error> {
        form::Text::new(kind.prefix()).map(Self)
    }

    /// As programs send it.
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

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::form::ALPHABET, *};

    #[test]
    fn a_key_is_read_as_it_was_made_and_by_its_own_kind_alone() {
        for (kind, other) in [(KeyKind::Live, KeyKind::Test), (KeyKind::Test, KeyKind::Live)] {
            let key = KeyText::new(kind).unwrap();
            assert_eq!(key.expose().len(), 67);
            assert!(key.expose().as_bytes().starts_with(kind.prefix().as_bytes()));
            let said = read(key.expose().as_bytes(), kind).unwrap();
            assert_eq!((std::str::from_utf8(&said.id).unwrap(), said.digest), (key.id(), key.digest()));
            assert_eq!(read(key.expose().as_bytes(), other), Err(NoKey::OtherKind));
            assert_eq!((format!("{key:?}"), start(key.expose().as_bytes()).len()), ("KeyText".to_owned(), 10));
        }
        assert_eq!(start(b"sw_\r\n\x1b[1mxxxxxxx"), "sw_????1mx");
    }

    #[test]
    fn keys_differ_in_id_and_secret_and_all_signs_come() {
        let keys: Vec<_> = (0..200).map(|_| KeyText::new(KeyKind::Live).unwrap()).collect();
        let ids: std::collections::BTreeSet<_> = keys.iter().map(KeyText::id).collect();
        let digests: std::collections::BTreeSet<_> = keys.iter().map(KeyText::digest).collect();
        assert_eq!((ids.len(), digests.len()), (200, 200));
        let all: String = keys.iter().map(KeyText::expose).collect();
        assert!(ALPHABET.iter().all(|sign| all.contains(char::from(*sign))));
    }

    proptest! {
        #[test]
        fn a_key_with_another_sign_anywhere_is_none(at in 0_usize..67, sign in "[0-9A-Za-z_ -]") {
            let key = KeyText::new(KeyKind::Live).unwrap();
            let mut changed = key.expose().as_bytes().to_vec();
            let sign = sign.as_bytes()[0];
            prop_assume!(changed[at] != sign);
            changed[at] = sign;
            prop_assert_eq!(read(&changed, KeyKind::Live), Err(NoKey::Malformed));
        }

        #[test]
        fn a_key_cut_off_or_longer_is_none(length in 0_usize..67, more in "[0-9A-Za-z]{1,4}") {
            let key = KeyText::new(KeyKind::Live).unwrap();
            prop_assert_eq!(read(&key.expose().as_bytes()[..length], KeyKind::Live), Err(NoKey::Malformed));
            let longer = format!("{}{more}", key.expose());
            prop_assert_eq!(read(longer.as_bytes(), KeyKind::Live), Err(NoKey::Malformed));
        }

        #[test]
        fn any_bytes_are_read_without_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            prop_assert!(read(&bytes, KeyKind::Live).is_err());
            prop_assert!(start(&bytes).len() <= 10);
        }
    }
}
