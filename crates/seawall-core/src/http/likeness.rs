//! What tells apart requests that are alike from those that are not.

use std::fmt;

use sha2::{Digest, Sha256};

/// Parts of a request, taken together in their order.
pub struct Likeness(Sha256);

impl Likeness {
    /// Of no parts yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Takes the next part, behind its length, so that no two lists of parts are the same.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The same for the same parts, and for no others.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl Default for Likeness {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Likeness")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> [u8; 32] {
        let mut likeness = Likeness::new();
        parts.iter().for_each(|part| likeness.part(part.as_bytes()));
        likeness.finish()
    }

    #[test]
    fn only_the_same_parts_in_the_same_order_are_alike() {
        assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
        for other in [&["ab", "c"][..], &["bc", "a"], &["a", "bc", ""], &["a"]] {
            assert_ne!(of(&["a", "bc"]), of(other), "{other:?}");
        }
    }
}
