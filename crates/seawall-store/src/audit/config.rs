//! Section `[audit_log]`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Span, Values,
};

use crate::{
    backup::PlaceUrl,
    hex::unhex,
    webhook::{WebhookSecret, WebhookUrl},
};

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
    "Where signed checkpoints are appended as lines of JSON, relative to the configuration file: best on a disk that whoever owns the database does not own. Unset, it is `audit-checkpoints.jsonl` in the `data` directory.",
)
.needs_restart();

const CHECKPOINT_STORE: Field<PlaceUrl> = Field::new(
    "checkpoint_store",
    Literal::Unset,
    "An object store or directory that gets one object for each signed checkpoint besides, in the forms of `to` in [backup] and with the same credentials. With a lock on its objects, nobody takes them back.",
)
.needs_restart();
const CHECKPOINT_WEBHOOK: Field<WebhookUrl> = Field::new(
    "checkpoint_webhook",
    Literal::Unset,
    "An `https://` address that each signed checkpoint is posted to besides, as JSON; `http://` to this machine only. What answers no 2xx is asked again until it does. Hidden, because its path may hold a token.",
)
.needs_restart();
const CHECKPOINT_WEBHOOK_SECRET: Field<WebhookSecret> = Field::new(
    "checkpoint_webhook_secret",
    Literal::Unset,
    "Signs posts as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`): `whsec_` and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes them.",
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
    &[
        CHECKPOINT_EVERY.spec(),
        CHECKPOINT_FILE.spec(),
        CHECKPOINT_STORE.spec(),
        CHECKPOINT_WEBHOOK.spec(),
        CHECKPOINT_WEBHOOK_SECRET.spec(),
        TRUSTED_KEYS.spec(),
    ],
)
.with_demands(demands);

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    if values.raw(CHECKPOINT_WEBHOOK_SECRET.key()).is_none() || values.raw(CHECKPOINT_WEBHOOK.key()).is_some() {
        return Vec::new();
    }
    vec![Complaint {
        key: Some(CHECKPOINT_WEBHOOK_SECRET.key()),
        what: "there is a secret to sign posts with, and no `checkpoint_webhook` to post to".to_owned(),
        help: "name the address as `checkpoint_webhook`, or leave the secret out".to_owned(),
    }]
}

/// What the section says.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// How often the head is signed.
    pub checkpoint_every: Duration,
    /// Where statements are appended; nothing when it is in the data directory.
    pub checkpoint_file: Option<PathBuf>,
    /// The object store that gets each; a directory is an absolute path.
    pub checkpoint_store: Option<String>,
    /// The address that each is posted to.
    pub checkpoint_webhook: Option<WebhookUrl>,
    /// What posts are signed with.
    pub checkpoint_webhook_secret: Option<WebhookSecret>,
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
    /// Reads the settings. A relative directory begins in `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, directory: &Path) -> Result<Self, BadSetting> {
        Ok(Self {
            checkpoint_every: values.get(&CHECKPOINT_EVERY)?.duration(),
            checkpoint_file: values.find(&CHECKPOINT_FILE)?.map(PathBuf::from),
            checkpoint_store: values.find(&CHECKPOINT_STORE)?.map(|url: PlaceUrl| url.within(directory)),
            checkpoint_webhook: values.find(&CHECKPOINT_WEBHOOK)?,
            checkpoint_webhook_secret: values.find(&CHECKPOINT_WEBHOOK_SECRET)?,
            trusted_keys: values.get(&TRUSTED_KEYS)?,
        })
    }
}
