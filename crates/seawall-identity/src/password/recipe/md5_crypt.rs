//! Crypt with MD5, 1,000 rounds: `$1$` of Unix, `$apr1$` of Apache.

use crate::password::hash::Hash;

const ROUNDS: u32 = 1_000;

/// Whose crypt it is; only a word in the digest differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    Unix,
    Apache,
}

/// Crypt with MD5 and its salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Md5Crypt {
    pub(crate) flavour: Flavour,
    pub(crate) salt: Vec<u8>,
}

impl Md5Crypt {
    /// The steps are those of FreeBSD's `crypt-md5.c`, accidents included.
    pub(super) fn compute(&self, password: &[u8]) -> Vec<u8> {
        let magic: &[u8] = match self.flavour {
            Flavour::Unix => b"$1$",
            Flavour::Apache => b"$apr1$",
        };
        let inner = Hash::Md5.digest(&[password, &self.salt, password]);
        let mut start = [password, magic, &self.salt].concat();
        start.extend(inner.iter().cycle().take(password.len()));
        let mut bits = password.len();
        while bits > 0 {
            start.push(if bits & 1 == 1 { 0 } else { password.first().copied().unwrap_or(0) });
            bits >>= 1;
        }
        let mut digest = Hash::Md5.digest(&[&start]);
        for round in 0..ROUNDS {
            let (first, last): (&[u8], &[u8]) = if round % 2 == 1 { (password, &digest) } else { (&digest, password) };
            let salt: &[u8] = if round % 3 == 0 { &[] } else { &self.salt };
            let again: &[u8] = if round % 7 == 0 { &[] } else { password };
            digest = Hash::Md5.digest(&[first, salt, again, last]);
        }
        digest
    }
}
