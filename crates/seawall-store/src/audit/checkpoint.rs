//! Signed statements of how far the chain had come.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use aws_lc_rs::{
    digest::{self, SHA256},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde_json::{Value as Json, json};

use super::chain::Hash;
use crate::{
    Cause, Db, StoreError,
    hex::{hex, unhex},
};

/// What is signed begins with this, so that the key's signatures mean nothing else.
const DOMAIN: &str = "seawall audit checkpoint 1";

/// The key that signs; kept in a file, never in the database.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    id: String,
}

/// A signed statement: at this time the chain had come to this place, with this hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The place.
    pub seq: i64,
    /// The hash there.
    pub hash: [u8; 32],
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: i64,
    /// Which key signed: the first 16 hexadecimal digits of the SHA-256 of the public key.
    pub key_id: String,
    /// The Ed25519 signature (RFC 8032).
    pub signature: Vec<u8>,
}

impl SigningKey {
    /// Reads the key from a file; makes one at the first time, readable by its owner only.
    ///
    /// # Errors
    /// The file cannot be read, made, or holds no key.
    pub fn open(path: &Path) -> io::Result<Self> {
        let held = match fs::read(path) {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error),
        };
        let pair = Ed25519KeyPair::from_pkcs8(&held)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("it holds no Ed25519 key: {error}")))?;
        let id = key_id(pair.public_key().as_ref());
        Ok(Self { pair, id })
    }

    /// The public key, 32 bytes, for whoever verifies elsewhere.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key in hexadecimal digits.
    #[must_use]
    pub fn public_hex(&self) -> String {
        hex(self.public())
    }

    /// Its id, as it stands in what it signs: the first 16 hexadecimal digits of the SHA-256 of the public key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The Ed25519 signature of a statement, which has to begin with a domain of its own.
    pub(crate) fn sign_statement(&self, statement: &[u8]) -> Vec<u8> {
        self.pair.sign(statement).as_ref().to_vec()
    }

    fn sign(&self, seq: i64, hash: Hash, at_us: i64) -> Checkpoint {
        let signature = self.sign_statement(&statement(seq, &hash, at_us));
        Checkpoint { seq, hash, at_us, key_id: self.id.clone(), signature }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Checkpoint {
    /// Whether this key signed it.
    #[must_use]
    pub fn signed_by(&self, public: &[u8]) -> bool {
        self.key_id == key_id(public)
            && statement_signed(public, &statement(self.seq, &self.hash, self.at_us), &self.signature)
    }

    /// As one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({
            "seq": self.seq,
            "hash": hex(&self.hash),
            "at_us": self.at_us,
            "key_id": self.key_id,
            "signature": hex(&self.signature),
        })
        .to_string()
    }

    /// Reads a line of JSON; nothing when it is none of these.
    #[must_use]
    pub fn from_json(line: &str) -> Option<Self> {
        let json: Json = serde_json::from_str(line).ok()?;
        let text = |name: &str| json.get(name)?.as_str();
        Some(Self {
            seq: json.get("seq")?.as_i64()?,
            hash: unhex(text("hash")?)?.try_into().ok()?,
            at_us: json.get("at_us")?.as_i64()?,
            key_id: text("key_id")?.to_owned(),
            signature: unhex(text("signature")?)?,
        })
    }
}

/// Signs the head of the chain and keeps the statement in the database; answers it, to be sent elsewhere too, or nothing when the
/// last statement still holds.
///
/// # Errors
/// [`StoreError`].
pub async fn sign_head(db: &Db, key: &Arc<SigningKey>) -> Result<Option<Checkpoint>, StoreError> {
    let key = Arc::clone(key);
    db.write(&Cause::system("audit checkpoint"), move |tx| {
        let head = tx.find("SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1", &[])?;
        let signed = tx.find::<(i64,)>("SELECT seq FROM audit_checkpoints ORDER BY seq DESC LIMIT 1", &[])?;
        let Some((seq, hash)) = head.filter(|(seq, _)| signed.is_none_or(|(signed,)| signed < *seq)) else {
            return Ok(None);
        };
        let checkpoint = key.sign(seq, hash, tx.at_us());
        tx.execute(
            "INSERT INTO audit_checkpoints (seq, hash, at, key_id, signature) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (seq) DO NOTHING",
            &[&seq, &hash, &checkpoint.at_us, &checkpoint.key_id, &checkpoint.signature],
        )?;
        Ok(Some(checkpoint))
    })
    .await
}

/// Makes a key and writes it whole under another name first: a crash leaves no half key behind.
fn make(path: &Path) -> io::Result<Vec<u8>> {
    let pair = Ed25519KeyPair::generate().map_err(io::Error::other)?;
    let encoded = pair.to_pkcs8().map_err(io::Error::other)?;
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(encoded.as_ref())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(encoded.as_ref().to_vec())
}

fn statement(seq: i64, hash: &Hash, at_us: i64) -> Vec<u8> {
    format!("{DOMAIN}\n{seq}\n{}\n{at_us}\n", hex(hash)).into_bytes()
}

/// Whether the key made this signature of a statement.
pub(crate) fn statement_signed(public: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(statement, signature).is_ok()
}

pub(crate) fn key_id(public: &[u8]) -> String {
    hex(digest::digest(&SHA256, public).as_ref()).chars().take(16).collect()
}
