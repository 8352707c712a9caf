//! The fingerprint: for which request a key holds.

use std::fmt;

use http::{Method, Uri};
use sha2::{Digest, Sha256};

/// SHA-256 of a request's method, path with query, and body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A body that few have seen can be guessed by it, so it is not shown.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// A fingerprint that is being taken, while the body comes.
#[derive(Clone)]
pub struct Fingerprinting(Sha256);

impl Fingerprinting {
    /// Of a request with this method and target. Its scheme and authority are left out: they may differ between attempts.
    #[must_use]
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut hash = Sha256::new();
        hash.update(b"seawall idempotency fingerprint 1\n");
        part(&mut hash, method.as_str().as_bytes());
        part(&mut hash, target.as_bytes());
        Self(hash)
    }

    /// Takes a piece of the body, however it was cut.
    pub fn body(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The fingerprint, once the body is whole.
    #[must_use]
    pub fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finalize().into())
    }
}

impl fmt::Debug for Fingerprinting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprinting")
    }
}

/// Adds bytes behind their length, so that no two lists of parts are the same bytes.
pub(super) fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(method: &Method, uri: &str, pieces: &[&[u8]]) -> Fingerprint {
        let mut taking = Fingerprinting::of(method, &uri.parse().unwrap());
        pieces.iter().for_each(|piece| taking.body(piece));
        taking.finish()
    }

    #[test]
    fn method_path_query_and_body_each_count() {
        let one = taken(&Method::POST, "/orders?x=1", &[b"{}"]);
        assert_eq!(one, taken(&Method::POST, "https://api.example/orders?x=1", &[b"{}"]), "not the authority");
        for other in [
            taken(&Method::PATCH, "/orders?x=1", &[b"{}"]),
            taken(&Method::POST, "/orders?x=2", &[b"{}"]),
            taken(&Method::POST, "/order?sx=1", &[b"{}"]),
            taken(&Method::POST, "/orders?x=1", &[b"{} "]),
            taken(&Method::POST, "/orders?x=1", &[]),
            taken(&Method::POST, "/orders?x=1{", &[b"}"]),
        ] {
            assert_ne!(one, other);
        }
    }

    proptest! {
        #[test]
        fn how_a_body_was_cut_does_not_count(body in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
            let (first, second) = body.split_at(at.min(body.len()));
            prop_assert_eq!(taken(&Method::PUT, "/", &[&body]), taken(&Method::PUT, "/", &[first, b"", second]));
        }
    }
}
