//! The form of what programs and devices show: a prefix, then `<8 signs: the id>_<43 signs: the secret>_<6 signs: the check>`.

use zeroize::Zeroizing;

use super::checksum;
use crate::sessions::{self, digest};

/// What ids are made of: they stand in paths of Seawall's own, which ignore case.
const ID_ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What secrets and checks are made of.
pub(super) const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many signs an id has.
const ID: usize = 8;
/// How many signs a secret has: 256 bits.
const SECRET: usize = 43;
/// What follows the prefix, without the check.
const BODY: usize = ID + 1 + SECRET;
/// The check, with what stands before it.
const CHECK: usize = 1 + checksum::SIGNS;

/// What the tables find a credential by. It opens nothing.
pub(crate) type CredentialId = [u8; ID];

/// What is kept of a secret. No salt and no slow hash are needed for so many random bits (ASVS 5.0, 6.5.2).
pub(crate) type Digest = sessions::Digest;

/// What a credential says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: CredentialId,
    pub(crate) digest: Digest,
}

/// Reads a credential of this prefix, without a look at what is known; nothing when it has another form, or its check is wrong.
pub(crate) fn read(text: &[u8], prefix: &str) -> Option<Said> {
    let (checked, check) = text.split_at_checked(prefix.len() + BODY)?;
    let (id, secret) = checked.strip_prefix(prefix.as_bytes())?.split_first_chunk::<ID>()?;
    let (secret, check) = (secret.strip_prefix(b"_")?, check.strip_prefix(b"_")?);
    let whole = id.iter().all(|sign| ID_ALPHABET.contains(sign))
        && secret.iter().all(u8::is_ascii_alphanumeric)
        && *check == checksum::of(checked);
    whole.then(|| Said { id: *id, digest: digest(secret) })
}

/// A fresh credential, for whoever it is made for; it is shown once.
#[derive(Clone)]
pub(crate) struct Text {
    whole: Zeroizing<String>,
    prefix: usize,
}

impl Text {
    /// A fresh one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new(prefix: &str) -> Result<Self, getrandom::Error> {
        let mut whole = Zeroizing::new(String::with_capacity(prefix.len() + BODY + CHECK));
        whole.push_str(prefix);
        random_signs(ID, ID_ALPHABET, &mut whole)?;
        whole.push('_');
        random_signs(SECRET, ALPHABET, &mut whole)?;
        let check = checksum::of(whole.as_bytes());
        whole.push('_');
        whole.extend(check.map(char::from));
        Ok(Self { whole, prefix: prefix.len() })
    }

    /// As it is shown.
    pub(crate) fn expose(&self) -> &str {
        &self.whole
    }

    /// The public id.
    pub(crate) fn id(&self) -> &str {
        self.whole.get(self.prefix..self.prefix + ID).unwrap_or_default()
    }

    /// What is kept of the secret.
    pub(crate) fn digest(&self) -> Digest {
        let end = self.prefix + BODY;
        digest(self.whole.as_bytes().get(end - SECRET..end).unwrap_or_default())
    }
}

/// The id in a text; nothing when it can be none.
pub(crate) fn id_of(text: &str) -> Option<CredentialId> {
    CredentialId::try_from(text.as_bytes()).ok()
}

/// Adds so many random signs, all equally likely.
fn random_signs(count: usize, alphabet: &[u8], text: &mut String) -> Result<(), getrandom::Error> {
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
