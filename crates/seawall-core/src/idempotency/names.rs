//! By what a key is found, how its request is told from another, and under what its answer is sealed.

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

use super::{Fingerprint, Key, Scope, fingerprint::part};

/// What a store keeps in the place of a key and a fingerprint. From neither can the other be told, nor what was hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Names {
    /// Where the key is kept: caller, route and key.
    pub place: [u8; 32],
    /// For which request it holds.
    pub proof: [u8; 32],
}

impl Names {
    /// The names of a request with a key.
    #[must_use]
    pub fn of(scope: Scope<'_>, key: &Key, fingerprint: &Fingerprint) -> Self {
        let place = digest(b"place", &scoped(&scope, key));
        Self { place, proof: digest(b"proof", &[&place, fingerprint.bytes()]) }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// Under what an answer is sealed: made of the key and the whole request, so that only whoever repeats both can have it opened, and
/// nothing that a database holds does.
pub struct Seal(SecretBox<[u8; 32]>);

impl Seal {
    /// The seal of a request with a key.
    #[must_use]
    pub fn of(scope: Scope<'_>, key: &Key, fingerprint: &Fingerprint) -> Self {
        let [caller, route, key] = scoped(&scope, key);
        Self(SecretBox::new(Box::new(digest(b"seal", &[caller, route, key, fingerprint.bytes()]))))
    }

    /// Its bytes; for sealing and opening only.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl Clone for Seal {
    fn clone(&self) -> Self {
        Self(SecretBox::new(Box::new(*self.expose())))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

fn scoped<'a>(scope: &'a Scope<'_>, key: &'a Key) -> [&'a [u8]; 3] {
    [scope.caller.bytes(), scope.route.as_bytes(), key.as_str().as_bytes()]
}

fn digest(what: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"seawall idempotency 1\n");
    part(&mut hash, what);
    parts.iter().for_each(|bytes| part(&mut hash, bytes));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{
        super::{Caller, Fingerprinting},
        *,
    };

    fn names(caller: &[u8], route: &str, key: &str, body: &[u8]) -> (Names, [u8; 32]) {
        let scope = Scope { caller: Caller::credential(caller), route };
        let key = Key::parse(key.as_bytes()).unwrap();
        let mut taking = Fingerprinting::of(&Method::POST, &"/".parse().unwrap());
        taking.body(body);
        let fingerprint = taking.finish();
        (Names::of(scope, &key, &fingerprint), *Seal::of(scope, &key, &fingerprint).expose())
    }

    #[test]
    fn callers_routes_and_keys_are_kept_apart_and_bodies_told_apart() {
        let (one, seal) = names(b"a", "/orders", "k", b"1");
        for (caller, route, key) in
            [(&b"b"[..], "/orders", "k"), (b"a", "/order", "k"), (b"a", "/orders", "l"), (b"a", "/order", "sk")]
        {
            assert_ne!(names(caller, route, key, b"1").0.place, one.place, "{route} {key}");
        }
        let (other, other_seal) = names(b"a", "/orders", "k", b"2");
        assert_eq!(other.place, one.place);
        assert_ne!(other.proof, one.proof);
        assert_ne!(other_seal, seal, "an answer is opened by the same request alone");
        assert!(seal != one.place && seal != one.proof);
    }

    #[test]
    fn nothing_of_them_is_shown() {
        let (names, _) = names(b"a", "/", "very-secret", b"");
        assert_eq!(format!("{names:?}"), "Names");
    }
}
