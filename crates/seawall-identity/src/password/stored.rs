//! A stored password, read: what has to be computed from a password, and what has to come out.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{
    Format, KeyId, MAX_BYTES, Memory, PasswordError, PepperRing, format,
    prehash::Prehash,
    recipe::{Argon2, Recipe},
    wrapping::Inner,
};

/// What an application, or this product, stored for a password. Its costs are within bounds.
#[derive(Clone)]
pub struct Stored {
    format: Format,
    prehash: Prehash,
    /// What is beneath, when an older hash was wrapped.
    inner: Option<Inner>,
    recipe: Recipe,
    pepper: Option<KeyId>,
    expected: Zeroizing<Vec<u8>>,
    decoy: bool,
}

impl Stored {
    /// Reads a stored password of any known format.
    ///
    /// # Errors
    /// The format is unknown or not supported, the text is not whole, or verifying it would cost too much.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        format::parse(text)
    }

    pub(super) fn new(format: Format, prehash: Prehash, recipe: Recipe, expected: Vec<u8>) -> Self {
        Self { format, prehash, inner: None, recipe, pepper: None, expected: Zeroizing::new(expected), decoy: false }
    }

    pub(super) fn own(
        format: Format,
        argon2: Argon2,
        inner: Option<Inner>,
        pepper: Option<KeyId>,
        expected: Vec<u8>,
    ) -> Self {
        // What is beneath was made from the password as it was received.
        let prehash = if inner.is_some() { Prehash::Nothing } else { Prehash::Nfc };
        let expected = Zeroizing::new(expected);
        Self { format, prehash, inner, recipe: Recipe::Argon2(argon2), pepper, expected, decoy: false }
    }

    /// In which format it is.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The order of magnitude of the work, in units of the format's own; of bcrypt the cost itself.
    #[must_use]
    pub fn magnitude(&self) -> u32 {
        self.recipe.magnitude()
    }

    /// Whether an import puts it beneath a hash of today: plaintext, and what is guessed at fast.
    #[must_use]
    pub fn fast(&self) -> bool {
        let bare = self.inner.is_none() && self.prehash == Prehash::Nothing;
        self.recipe == Recipe::Plain || bare && Inner::of(&self.recipe, self.expected.len()).is_some()
    }

    /// The same work with the same parameters, which no password satisfies: for users that do not exist.
    #[must_use]
    pub fn decoy(&self) -> Self {
        let expected = Zeroizing::new(vec![0; self.expected.len()]);
        Self { expected, decoy: true, ..self.clone() }
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    pub(super) fn prehash(&self) -> &Prehash {
        &self.prehash
    }

    pub(super) fn inner(&self) -> Option<&Inner> {
        self.inner.as_ref()
    }

    pub(super) fn pepper(&self) -> Option<&KeyId> {
        self.pepper.as_ref()
    }

    pub(super) fn expected(&self) -> &[u8] {
        &self.expected
    }

    /// Whether the password is the one that was stored.
    pub(super) fn matches(
        &self,
        password: &str,
        peppers: &PepperRing,
        memory: &mut Memory,
    ) -> Result<bool, PasswordError> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let mut matched = self.attempt(&self.prehash, password, peppers, memory)?;
        // A plain argon2id hash may be an application's, of the password as received, or our own, of its composed form.
        if self.format == Format::Argon2id && Prehash::Nfc.changes(password) {
            matched |= self.attempt(&Prehash::Nfc, password, peppers, memory)?;
        }
        Ok(bool::from(matched) && !self.decoy)
    }

    fn attempt(
        &self,
        prehash: &Prehash,
        password: &str,
        peppers: &PepperRing,
        memory: &mut Memory,
    ) -> Result<Choice, PasswordError> {
        let mut input = prehash.apply(password);
        if let Some(inner) = &self.inner {
            input = Zeroizing::new(inner.compute(self.format, &input, memory)?);
        }
        let length = self.expected.len();
        let mut computed = Zeroizing::new(self.recipe.compute(self.format, &input, length, memory)?);
        if let Some(id) = &self.pepper {
            computed = Zeroizing::new(peppers.apply(id, &computed)?);
        }
        if let Recipe::Plain = self.recipe {
            // Texts of unlike lengths are compared by their digests, so that the length takes no part.
            return Ok(super::hash::Hash::Sha256
                .digest(&[&computed])
                .ct_eq(&super::hash::Hash::Sha256.digest(&[&self.expected])));
        }
        Ok(computed.ct_eq(&self.expected))
    }
}

/// Shows the format alone.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("format", &self.format).finish_non_exhaustive()
    }
}
