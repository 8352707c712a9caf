//! The scope: whose key it is, and for which route.

use std::fmt;

use sha2::{Digest, Sha256};

use super::fingerprint::part;
use crate::{
    certificate::ClientCertificate,
    http::ClientKey,
    principal::{Principal, PrincipalKind},
};

/// Whose key it is, as a digest: the same in every process and life.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller([u8; 16]);

impl Caller {
    /// Whoever was found by a credential: the person, key or device, and the organisation it acts for. A person's sessions are one
    /// caller, so that an attempt may be repeated after signing in again.
    #[must_use]
    pub fn principal(principal: &Principal) -> Self {
        let kind: &[u8] = match principal.kind {
            PrincipalKind::User => b"user",
            PrincipalKind::ApiKey => b"key",
            PrincipalKind::Device => b"device",
        };
        let organisation = principal.membership.as_ref().map_or("", |membership| &membership.organisation);
        Self::digest(&[kind, principal.id.as_bytes(), organisation.as_bytes()])
    }

    /// Whoever shows this value of `Authorization`, which only the application can read.
    #[must_use]
    pub fn credential(value: &[u8]) -> Self {
        Self::digest(&[b"credential", value])
    }

    /// Whoever shows this certificate, of which the application is told, and this value of `Authorization`, if any.
    #[must_use]
    pub fn certificate(certificate: &ClientCertificate, credential: Option<&[u8]>) -> Self {
        let fingerprint = certificate.fingerprint().as_bytes();
        match credential {
            Some(credential) => Self::digest(&[b"certificate", fingerprint, credential]),
            None => Self::digest(&[b"certificate", fingerprint]),
        }
    }

    /// Whoever asks from this address.
    #[must_use]
    pub fn address(client: ClientKey) -> Self {
        Self::digest(&[b"address", &client.bytes()])
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn digest(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"seawall idempotency caller 1\n");
        parts.iter().for_each(|bytes| part(&mut hash, bytes));
        let whole: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        Self(half)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

/// Where a key holds: for this caller, on this route. The same key of another caller or on another route is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Whose.
    pub caller: Caller,
    /// The route's pattern.
    pub route: &'a str,
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::{
        membership::Membership,
        principal::{Role, SessionFacts},
    };

    fn user(id: &str, session: &str) -> Principal {
        let facts = SessionFacts {
            id: session.into(),
            authenticated_at_unix_us: 0,
            expires_at_unix_us: None,
            second_factor: false,
        };
        Principal::user(id, "ann", &[], facts).unwrap()
    }

    #[test]
    fn a_caller_is_a_person_and_not_a_session() {
        assert_eq!(Caller::principal(&user("u1", "s1")), Caller::principal(&user("u1", "s2")));
        assert_ne!(Caller::principal(&user("u1", "s1")), Caller::principal(&user("u2", "s1")));
    }

    #[test]
    fn callers_of_different_kinds_are_never_the_same() {
        let address = Caller::address(ClientKey::of(IpAddr::from([0, 0, 0, 0])));
        assert_ne!(address, Caller::credential(&[0; 16]));
        assert_ne!(Caller::credential(b"a"), Caller::credential(b"b"));
        let certificate =
            |der: &[u8], credential| Caller::certificate(&ClientCertificate::new(der, b"", true), credential);
        assert_ne!(certificate(b"1", None), certificate(b"2", None));
        assert_ne!(certificate(b"1", None), certificate(b"1", Some(b"")));
        assert_ne!(certificate(b"1", Some(b"a")), certificate(b"1", Some(b"b")));
        assert_ne!(certificate(b"1", Some(b"a")), Caller::credential(b"a"));
        let user = user("u1", "s1");
        let device = Principal { kind: PrincipalKind::Device, ..user.clone() };
        assert_ne!(Caller::principal(&user), Caller::principal(&device));
    }

    #[test]
    fn who_acts_for_another_organisation_is_another_caller() {
        let role = Role::parse("member").unwrap();
        let membership = |organisation: &str| Membership::new(organisation, role.clone(), None).unwrap();
        let acting =
            |organisation: &str| Caller::principal(&user("u1", "s1").acting_for(membership(organisation), &[]));
        assert_ne!(acting("acme"), acting("other"));
        assert_eq!(acting("acme"), acting("acme"));
    }
}
