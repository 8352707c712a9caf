//! A key as it is written: `sw_live_<8 signs: the id>_<43 signs: the secret>_<6 signs: the check>`.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use seawall_core::Environment;
use zeroize::Zeroizing;

use super::checksum;

/// What ids are made of: they stand in paths of Seawall's own, which ignore case.
pub(crate) const ID_ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What secrets and checks are made of.
pub(crate) const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many signs an id has.
pub(crate) const ID: usize = 8;
/// How many signs a secret has: 256 bits.
pub(crate) const SECRET: usize = 43;
/// `sw_live_`, or `sw_test_`.
const PREFIX: usize = 8;
const CHECKED: usize = PREFIX + ID + 1 + SECRET;
const WHOLE: usize = CHECKED + 1 + checksum::SIGNS;

/// How much of a key may be logged (checklist WK-9).
const START: usize = 10;

/// What the table finds a key by. It opens nothing.
pub(crate) type KeyId = [u8; ID];

/// What is kept of a secret. No salt and no slow hash are needed for so many random bits (ASVS 5.0, 6.5.2).
pub(crate) type Digest = [u8; 32];

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

    const fn prefix(self) -> &'static [u8; PREFIX] {
        match self {
            Self::Live => b"sw_live_",
            Self::Test => b"sw_test_",
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

/// What a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) id: KeyId,
    pub(super) digest: Digest,
}

/// Reads a key, without a look at what is known.
pub(super) fn read(text: &[u8], kind: KeyKind) -> Result<Said, NoKey> {
    let (checked, check) = text.split_at_checked(CHECKED).ok_or(NoKey::Malformed)?;
    let (prefix, rest) = checked.split_at_checked(PREFIX).ok_or(NoKey::Malformed)?;
    let (id, secret) = rest.split_first_chunk::<ID>().ok_or(NoKey::Malformed)?;
    let known = [KeyKind::Live, KeyKind::Test].into_iter().find(|kind| kind.prefix() == prefix);
    let signs = |text: &[u8]| text.iter().all(u8::is_ascii_alphanumeric);
    let (Some(known), Some((b'_', secret)), Some((b'_', check))) = (known, secret.split_first(), check.split_first())
    else {
        return Err(NoKey::Malformed);
    };
    if text.len() != WHOLE
        || !id.iter().all(|sign| ID_ALPHABET.contains(sign))
        || !signs(secret)
        || *check != checksum::of(checked)
    {
        return Err(NoKey::Malformed);
    }
    if known == kind { Ok(Said { id: *id, digest: digest_of(secret) }) } else { Err(NoKey::OtherKind) }
}

/// The beginning of what was shown as a key, which may be logged: signs of keys alone.
pub(super) fn start(text: &[u8]) -> String {
    let sign = |byte: &u8| if byte.is_ascii_alphanumeric() || *byte == b'_' { char::from(*byte) } else { '?' };
    text.iter().take(START).map(sign).collect()
}

/// A fresh key, for whoever it is made for; it is shown once.
#[derive(Clone)]
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(kind: KeyKind) -> Result<Self, getrandom::Error> {
        let mut text = Zeroizing::new(String::with_capacity(WHOLE));
        text.extend(kind.prefix().iter().copied().map(char::from));
        random_signs(ID, ID_ALPHABET, &mut text)?;
        text.push('_');
        random_signs(SECRET, ALPHABET, &mut text)?;
        let check = checksum::of(text.as_bytes());
        text.push('_');
        text.extend(check.map(char::from));
        Ok(Self(text))
    }

    /// As programs send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The public id.
    pub(crate) fn id(&self) -> &str {
        self.0.get(PREFIX..PREFIX + ID).unwrap_or_default()
    }

    /// What is kept of the secret.
    pub(crate) fn digest(&self) -> Digest {
        digest_of(self.0.as_bytes().get(CHECKED - SECRET..CHECKED).unwrap_or_default())
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

/// The id in a text; nothing when it can be none.
pub(crate) fn id_of(text: &str) -> Option<KeyId> {
    KeyId::try_from(text.as_bytes()).ok()
}

pub(crate) fn digest_of(secret: &[u8]) -> Digest {
    let mut own = [0; 32];
    // A SHA-256 digest has as many bytes.
    for (own, byte) in own.iter_mut().zip(digest(&SHA256, secret).as_ref()) {
        *own = *byte;
    }
    own
}

/// Adds so many random signs, all equally likely.
pub(crate) fn random_signs(count: usize, alphabet: &[u8], text: &mut String) -> Result<(), getrandom::Error> {
    let end = text.len() + count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < end {
        getrandom::fill(&mut *bytes)?;
        // What is beyond the last whole round of the alphabet is drawn again.
        let rounds = 256 / alphabet.len() * alphabet.len();
        let drawn = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < rounds);
        let drawn = drawn.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        text.extend(drawn.take(end - text.len()).copied().map(char::from));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_made_and_by_its_own_kind_alone() {
        for (kind, other) in [(KeyKind::Live, KeyKind::Test), (KeyKind::Test, KeyKind::Live)] {
            let key = KeyText::new(kind).unwrap();
            assert_eq!(key.expose().len(), 67);
            assert!(key.expose().as_bytes().starts_with(kind.prefix()));
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
