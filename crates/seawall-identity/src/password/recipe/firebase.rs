//! Firebase's scrypt: the project's signer key, encrypted with what scrypt makes of the password.

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};

use super::Scrypt;

/// Firebase's scrypt with the parameters of its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Firebase {
    pub(crate) scrypt: Scrypt,
    pub(crate) signer_key: Vec<u8>,
}

impl Firebase {
    pub(super) fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        let key = zeroize::Zeroizing::new(self.scrypt.compute(password, 32)?);
        let mut out = self.signer_key.clone();
        let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &key).ok()?).ok()?;
        // Firebase's counter begins at zero: each key encrypts this one text.
        key.less_safe_encrypt(&mut out, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        Some(out)
    }

    pub(super) fn memory_kib(&self) -> u64 {
        self.scrypt.memory_kib()
    }
}
