//! An authenticator and a browser in one, written from the standard and apart from what is tested; each rule can be broken.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub(crate) const USER_PRESENT: u8 = 1;
pub(crate) const USER_VERIFIED: u8 = 1 << 2;
pub(crate) const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub(crate) const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;

/// A key.
pub(crate) enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Pair {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The public key as COSE has it.
    pub(crate) fn cose(&self) -> Vec<u8> {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (bytes(&point[1..33]), bytes(&point[33..65]));
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21][..], &x, &[0x22], &y].concat()
            }
            Self::Ed25519(pair) => {
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21][..], &bytes(pair.public_key().as_ref())].concat()
            }
            Self::Rsa(pair) => {
                // PKCS #1 in DER: 2,048 bits of the modulus from the tenth byte on, and 65,537.
                let der = pair.public_key().as_ref();
                let (n, e) = (bytes(&der[9..265]), bytes(&[1, 0, 1]));
                [&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20][..], &n, &[0x21], &e].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A passkey on a device, and the page that asks for it.
pub(crate) struct Device {
    pub(crate) pair: Pair,
    pub(crate) id: Vec<u8>,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    /// Whose it is; sent with every use.
    pub(crate) handle: Option<Vec<u8>>,
    /// Changes what the browser says.
    pub(crate) says: fn(&mut Value),
    /// Changes the authenticator data, before they are signed.
    pub(crate) data: fn(&mut Vec<u8>),
}

impl Device {
    /// One that was never used, for a page of this origin.
    pub(crate) fn new(origin: &str, id: &[u8]) -> Self {
        let host = origin.split("://").nth(1).unwrap().split(':').next().unwrap();
        Self {
            pair: Pair::p256(),
            id: id.to_vec(),
            rp_id: host.to_owned(),
            origin: origin.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            counter: 0,
            handle: None,
            says: |_| {},
            data: |_| {},
        }
    }

    /// `navigator.credentials.create`, as `toJSON()` gives it.
    pub(crate) fn make(&mut self, options: &Value) -> Value {
        let handle = options["user"]["id"].as_str().unwrap();
        self.handle = Some(URL_SAFE_NO_PAD.decode(handle).unwrap());
        let client = self.client_data("webauthn.create", options);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = [&[7; 16][..], &length, &self.id, &self.pair.cose()].concat();
        let data = self.authenticator_data(self.flags | HAS_CREDENTIAL, &attested);
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id),
            "rawId": URL_SAFE_NO_PAD.encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                "attestationObject": URL_SAFE_NO_PAD.encode(attestation(&data)),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// `navigator.credentials.get`, as `toJSON()` gives it.
    pub(crate) fn show(&mut self, options: &Value) -> Value {
        let client = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(self.flags, &[]);
        let message = [&data[..], digest(&SHA256, &client).as_ref()].concat();
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id),
            "rawId": URL_SAFE_NO_PAD.encode(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(self.pair.sign(&message)),
                "userHandle": self.handle.as_ref().map(|handle| URL_SAFE_NO_PAD.encode(handle)),
            },
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut said = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        (self.says)(&mut said);
        said.to_string().into_bytes()
    }

    fn authenticator_data(&self, flags: u8, rest: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        let mut data = [hash.as_ref(), &[flags], &self.counter.to_be_bytes(), rest].concat();
        (self.data)(&mut data);
        data
    }
}

/// An attestation object that attests nothing.
pub(crate) fn attestation(data: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[0x60 + u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [&[0xa3][..], &text("fmt"), &text("none"), &text("attStmt"), &[0xa0], &text("authData"), &bytes(data)].concat()
}

/// A byte string in CBOR.
fn bytes(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let head = match length {
        0..=23 => vec![0x40 + u8::try_from(length).unwrap()],
        24..=255 => vec![0x58, u8::try_from(length).unwrap()],
        _ => [&[0x59][..], &length.to_be_bytes()].concat(),
    };
    [&head, bytes].concat()
}
