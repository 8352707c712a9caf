//! Fast hashes beneath argon2id: what is computed first, written in the stored form without what it gave.
//!
//! `digest:sha256:before:SALT`, `md5_crypt:SALT`, `apr1:SALT`, `phpass:ROUNDS_LOG2:SALT`, `pbkdf2:HASH:ROUNDS:LENGTH:SALT`; salts in
//! base64.

use std::fmt;

use super::{
    Format, Memory, PasswordError,
    encoding::{base64, to_base64_bare},
    hash::Hash,
    recipe::{Digest, Flavour, Md5Crypt, Pbkdf2, Phpass, Recipe, SaltAt},
};

/// PBKDF2 with fewer rounds is guessed at sooner than a hash of today; OWASP wants 600,000.
const FEW_ROUNDS: u32 = 100_000;

/// A recipe that is wrapped, and how many bytes it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inner {
    recipe: Recipe,
    length: usize,
}

impl Inner {
    /// The recipe, if it is so fast that its hashes should not lie about.
    pub(super) fn of(recipe: &Recipe, length: usize) -> Option<Self> {
        let fast = match recipe {
            Recipe::Digest(_) | Recipe::Md5Crypt(_) => true,
            Recipe::Phpass(phpass) => phpass.hash == Hash::Md5,
            Recipe::Pbkdf2(pbkdf2) => pbkdf2.rounds < FEW_ROUNDS,
            _ => false,
        };
        fast.then(|| Self { recipe: recipe.clone(), length })
    }

    pub(super) fn compute(
        &self,
        format: Format,
        password: &[u8],
        memory: &mut Memory,
    ) -> Result<Vec<u8>, PasswordError> {
        self.recipe.compute(format, password, self.length, memory)
    }

    pub(super) fn parse(text: &str) -> Result<Self, PasswordError> {
        let format = Format::Wrapped;
        let unknown = format.malformed("what is wrapped is not known");
        let salt = |text: &str| base64(text).ok_or(format.malformed("the wrapped hash's salt is not base64"));
        let number = |text: &str| text.parse::<u32>().map_err(|_| unknown.clone());
        let hash = |text: &str| Hash::named(text).ok_or(unknown.clone());
        let parts: Vec<&str> = text.split(':').collect();
        let (recipe, length) = match parts[..] {
            ["digest", name, place, text] => {
                let (hash, salt_at) = (hash(name)?, SaltAt::named(place).ok_or(unknown.clone())?);
                (Recipe::Digest(Digest { hash, salt_at, salt: salt(text)? }), hash.length())
            }
            ["md5_crypt", text] => (Recipe::Md5Crypt(Md5Crypt { flavour: Flavour::Unix, salt: salt(text)? }), 16),
            ["apr1", text] => (Recipe::Md5Crypt(Md5Crypt { flavour: Flavour::Apache, salt: salt(text)? }), 16),
            ["phpass", rounds_log2, text] => {
                (Recipe::Phpass(Phpass::new(format, Hash::Md5, number(rounds_log2)?, salt(text)?)?), 16)
            }
            ["pbkdf2", name, rounds, length, text] => {
                let length = number(length)? as usize;
                let pbkdf2 = Pbkdf2::new(format, hash(name)?, number(rounds)?, salt(text)?, length)?;
                (Recipe::Pbkdf2(pbkdf2), length)
            }
            _ => return Err(unknown),
        };
        Ok(Self { recipe, length })
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.recipe {
            Recipe::Digest(Digest { hash, salt_at, salt }) => {
                write!(f, "digest:{}:{}:{}", hash.name(), salt_at.name(), to_base64_bare(salt))
            }
            Recipe::Md5Crypt(Md5Crypt { flavour: Flavour::Unix, salt }) => {
                write!(f, "md5_crypt:{}", to_base64_bare(salt))
            }
            Recipe::Md5Crypt(Md5Crypt { flavour: Flavour::Apache, salt }) => write!(f, "apr1:{}", to_base64_bare(salt)),
            Recipe::Phpass(phpass) => write!(f, "phpass:{}:{}", phpass.rounds_log2, to_base64_bare(&phpass.salt)),
            Recipe::Pbkdf2(pbkdf2) => {
                let (hash, rounds, salt) = (pbkdf2.hash.name(), pbkdf2.rounds, to_base64_bare(&pbkdf2.salt));
                write!(f, "pbkdf2:{hash}:{rounds}:{}:{salt}", self.length)
            }
            // Invariant: `of` and `parse` make no others.
            _ => Err(fmt::Error),
        }
    }
}
