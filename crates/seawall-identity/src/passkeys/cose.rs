//! Public keys of passkeys (COSE, RFC 9053): of each kind, one algorithm is taken, whatever a response says.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::{Refusal, cbor};

/// What is offered to authenticators, the best first: ES256, EdDSA, RS256.
pub(super) const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// From 2,048 to 4,096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A key that verifies.
#[derive(Debug)]
pub(super) enum Key<'a> {
    P256([u8; 65]),
    Ed25519(&'a [u8]),
    Rsa { n: &'a [u8], e: &'a [u8] },
}

impl<'a> Key<'a> {
    /// Reads one.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let map = cbor::whole(bytes)?;
        let number = |label| map.at(label).and_then(cbor::Value::integer);
        let part = |label| map.at(label).and_then(cbor::Value::bytes).unwrap_or_default();
        let kind = number(1).ok_or(Refusal::Key("it names no kind"))?;
        let algorithm = number(3).ok_or(Refusal::Key("it names no algorithm"))?;
        match (kind, algorithm, number(-1)) {
            (2, ES256, Some(1)) => {
                let (x, y) = (part(-2), part(-3));
                let mut point = [4; 65];
                let fits = x.len() == 32 && y.len() == 32;
                for (own, byte) in point.iter_mut().skip(1).zip(x.iter().chain(y)) {
                    *own = *byte;
                }
                if fits { Ok(Self::P256(point)) } else { Err(Refusal::Key("its point is not of P-256")) }
            }
            (1, EDDSA, Some(6)) => {
                let x = part(-2);
                if x.len() == 32 { Ok(Self::Ed25519(x)) } else { Err(Refusal::Key("its point is not of Ed25519")) }
            }
            (3, RS256, None) => {
                let (n, e) = (part(-1), part(-2));
                let fits = RSA_BYTES.contains(&n.len()) && n.first() != Some(&0) && (1..=4).contains(&e.len());
                if fits { Ok(Self::Rsa { n, e }) } else { Err(Refusal::Key("its size is not 2,048 to 4,096 bits")) }
            }
            _ => Err(Refusal::Algorithm(algorithm)),
        }
    }

    /// Whether it has signed this.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(public) => UnparsedPublicKey::new(&ED25519, public).verify(message, signature),
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.is_ok()
    }
}
