//! What a source is known by.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// A digest over all that makes a source what it is.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Takes in a text. Its length goes first, so that no two lists of texts are the same bytes.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
        self
    }

    /// Takes in all that is read, in little memory.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn with_all_of(mut self, mut from: impl Read) -> io::Result<Self> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return Ok(self);
            }
            self.0.update(buffer.get(..read).unwrap_or_default());
        }
    }

    /// The digest, in hexadecimal digits.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
