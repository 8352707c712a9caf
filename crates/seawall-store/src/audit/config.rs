//! Section `[audit_log]`.

use std::{path::PathBuf, time::Duration};

use seawall_core::settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Span, Values};

use crate::hex::unhex;

const CHECKPOINT_EVERY: Field<Span> = Field::new(
    "checkpoint_every",
    Literal::Text("1min"),
    "How often the head of the audit log's chain is signed. What was written since could be cut off unseen by whoever owns the database.",
)
.between("1s", "1h")
.needs_restart();
const CHECKPOINT_FILE: Field<String> = Field::new(
    "checkpoint_file",
    Literal::Unset,
    "Where signed checkpoints are appended, relative to the configuration file: best on a disk that whoever owns the database does not own. Unset, it is `audit-checkpoints.jsonl` in the `data` directory.",
)
.needs_restart();

const TRUSTED_KEYS: Field<Vec<PublicKey>> = Field::new(
    "trusted_keys",
    Literal::Texts(&[]),
    "Public keys, in hexadecimal digits, whose checkpoints count besides those of this installation's own `audit.key`: of other nodes on the same database, and of a key that was replaced. `GET /api/store` on the admin interface tells a node's own.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "audit_log",
    "The record of who did what. Its entries are chained by hashes; `seawall audit-log verify` finds what was changed in it.",
    &[CHECKPOINT_EVERY.spec(), CHECKPOINT_FILE.spec(), TRUSTED_KEYS.spec()],
);

/// What the section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// How often the head is signed.
    pub checkpoint_every: Duration,
    /// Where statements are appended; nothing when it is in the data directory.
    pub checkpoint_file: Option<PathBuf>,
    /// Public keys besides the installation's own.
    pub trusted_keys: Vec<PublicKey>,
}

/// An Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Setting for PublicKey {
    const SHAPE: Shape = Shape::Text("public key", "64 hexadecimal digits");

    fn read(raw: &Raw) -> Result<Self, String> {
        let wrong = || "expected an Ed25519 public key as 64 hexadecimal digits".to_owned();
        let Raw::Text(text) = raw else { return Err(wrong()) };
        unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(wrong)
    }
}

impl AuditSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            checkpoint_every: values.get(&CHECKPOINT_EVERY)?.duration(),
            checkpoint_file: values.find(&CHECKPOINT_FILE)?.map(PathBuf::from),
            trusted_keys: values.get(&TRUSTED_KEYS)?,
        })
    }
}
