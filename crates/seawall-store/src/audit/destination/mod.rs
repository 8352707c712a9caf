//! Where signed checkpoints go: out of reach of whoever owns the database.

mod bucket;
mod file;
mod webhook;

use std::{fmt, io, path::PathBuf};

use aws_lc_rs::digest::{self, SHA256};

use super::Checkpoint;
use crate::{
    StoreError,
    backup::{BackupError, Place},
    hex::hex,
};

pub use webhook::Webhook;

/// A place that checkpoints are delivered to. A checkpoint may be delivered twice, and is the same then.
#[derive(Clone)]
pub struct Destination {
    kind: Kind,
    /// Under which the store keeps how far this destination is; it shows no secret.
    id: String,
}

#[derive(Clone)]
enum Kind {
    File(PathBuf),
    Bucket(Place),
    Webhook(Box<Webhook>),
}

/// Why a checkpoint was not delivered, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryFault {
    /// The file cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place of objects cannot be used.
    #[error(transparent)]
    Place(#[from] BackupError),
    /// Another object has the name.
    #[error("{object} is there already and is another; find out who wrote it")]
    Occupied {
        /// Its name.
        object: String,
    },
    /// The webhook did not take it.
    #[error("{host} did not take it: {reason}")]
    Webhook {
        /// Whom it was sent to.
        host: String,
        /// Why.
        reason: String,
    },
    /// It took too long.
    #[error("it took longer than {0} s")]
    TimedOut(u64),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeliveryFault {
    /// All of it in one line, with its reasons.
    #[must_use]
    pub fn chain(&self) -> String {
        match self {
            Self::Place(error) => error.chain(),
            Self::File { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }
}

/// What a destination holds.
#[derive(Debug, Default)]
pub struct Held {
    /// The checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// Lines or objects that are none.
    pub unreadable: usize,
}

impl Destination {
    /// A file on this machine that they are appended to, one line each. `node` tells it from files of the same name elsewhere.
    #[must_use]
    pub fn file(path: PathBuf, node: &str) -> Self {
        let id = id("file", &format!("{node} {}", path.display()));
        Self { kind: Kind::File(path), id }
    }

    /// An object store or a directory that gets one object for each. `node` tells a directory from one of the same name elsewhere.
    #[must_use]
    pub fn bucket(place: Place, node: &str) -> Self {
        let elsewhere = if place.is_directory() { format!("{node} {}", place.url()) } else { place.url().to_owned() };
        let id = id("store", &elsewhere);
        Self { kind: Kind::Bucket(place), id }
    }

    /// A webhook that each is posted to.
    #[must_use]
    pub fn webhook(webhook: Webhook) -> Self {
        let id = id("webhook", webhook.url().expose());
        Self { kind: Kind::Webhook(Box::new(webhook)), id }
    }

    /// Under which the store keeps how far it is.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is, in a word: `file`, `store` or `webhook`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::File(_) => "file",
            Kind::Bucket(_) => "store",
            Kind::Webhook(_) => "webhook",
        }
    }

    /// Delivers one; what is there already counts as delivered.
    pub(super) async fn deliver(&self, checkpoint: &Checkpoint, now_us: i64) -> Result<(), DeliveryFault> {
        match &self.kind {
            Kind::File(path) => file::append(path, checkpoint).await,
            Kind::Bucket(place) => bucket::put(place, checkpoint).await,
            Kind::Webhook(webhook) => webhook.post(checkpoint, now_us).await,
        }
    }

    /// Reads what it holds; nothing from a webhook, which keeps it for itself.
    ///
    /// # Errors
    /// [`DeliveryFault`] when it cannot be read.
    pub async fn held(&self) -> Result<Held, DeliveryFault> {
        match &self.kind {
            Kind::File(path) => file::read(path).await,
            Kind::Bucket(place) => bucket::read(place).await,
            Kind::Webhook(_) => Ok(Held::default()),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::File(path) => write!(f, "{}", path.display()),
            Kind::Bucket(place) => f.write_str(place.url()),
            Kind::Webhook(webhook) => write!(f, "{}", webhook.url()),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("id", &self.id).finish_non_exhaustive()
    }
}

fn id(kind: &str, address: &str) -> String {
    let digest = hex(digest::digest(&SHA256, address.as_bytes()).as_ref());
    format!("{kind}-{}", digest.get(..16).unwrap_or_default())
}
