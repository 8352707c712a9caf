//! The vault: a place with the keys that belong to it, and the names in it.

use std::{os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc};

use bytes::Bytes;
use seawall_core::clock::Clock;
use serde::{Serialize, de::DeserializeOwned};

use super::{BackupError, Keys, Manifest, Place, PostgresServer, document, paced, time};
use crate::{audit::SigningKey, hex::hex};

/// Where backups are, who signs them, who can read them; cheap to clone.
///
/// ```text
/// NAME/manifests/TIME-RANDOM.json          signed; a backup exists when this does
/// NAME/objects/TIME-RANDOM.zst.age         what was backed up
/// NAME/segments/GENERATION/NUMBER-….json   signed; changes between snapshots
/// NAME/checks/TIME-RANDOM-….json           signed; what verification found
/// ```
#[derive(Clone, Debug)]
pub struct Vault {
    pub(super) place: Place,
    pub(super) keys: Keys,
    pub(super) signing: Arc<SigningKey>,
    pub(super) trusted: Arc<[Vec<u8>]>,
    pub(super) audit_keys: Arc<[Vec<u8>]>,
    pub(super) scratch: PathBuf,
    pub(super) scratch_server: Option<PostgresServer>,
    /// Where captured changes wait to be shipped, when a restore may use them.
    pub(super) unshipped: Option<PathBuf>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Vault {
    /// A vault whose manifests `signing` signs, and that works in the directory `scratch`, which needs room for one whole backup.
    #[must_use]
    pub fn new(place: Place, keys: Keys, signing: Arc<SigningKey>, scratch: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let trusted: Arc<[Vec<u8>]> = Arc::new([signing.public().to_vec()]);
        let audit_keys = Arc::clone(&trusted);
        Self { place, keys, signing, trusted, audit_keys, scratch, scratch_server: None, unshipped: None, clock }
    }

    /// Besides, trusts manifests that these public keys signed: those of a machine that is gone.
    #[must_use]
    pub fn trusting(self, others: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { trusted: self.trusted.iter().cloned().chain(others).collect(), ..self }
    }

    /// The public keys that sign the audit log's checkpoints, when they are others than those of the manifests.
    #[must_use]
    pub fn with_audit_keys(self, keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { audit_keys: keys.into_iter().collect(), ..self }
    }

    /// A PostgreSQL server where databases may be made and dropped, into which dumps are restored to prove them.
    #[must_use]
    pub fn with_scratch_server(self, server: PostgresServer) -> Self {
        Self { scratch_server: Some(server), ..self }
    }

    /// A restore goes on with the changes in this directory of a capture, which nobody writes to, where they follow what is at the
    /// place: those that a crash kept from being shipped.
    #[must_use]
    pub fn with_unshipped(self, directory: PathBuf) -> Self {
        Self { unshipped: Some(directory), ..self }
    }

    /// The place.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether what is written is encrypted.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.keys.encrypt()
    }

    /// All backups of a name, the oldest first. Those whose manifests are damaged or forged are named beside them.
    ///
    /// # Errors
    /// [`BackupError::Place`].
    pub async fn list(&self, name: &str) -> Result<Listing, BackupError> {
        let mut listing = Listing::default();
        for object in self.place.list(&format!("{name}/manifests")).await? {
            match self.document::<Manifest>(&object).await {
                Ok(manifest) => listing.backups.push(manifest),
                Err(error @ (BackupError::Forged { .. } | BackupError::Damaged { .. })) => listing.unfit.push(error),
                // Retention may have been quicker.
                Err(BackupError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(listing)
    }

    pub(super) fn now_us(&self) -> i64 {
        time::now_us(&*self.clock)
    }

    /// A name of this time that nothing else has.
    pub(super) fn fresh_id(&self, at_us: i64) -> Result<String, BackupError> {
        Ok(format!("{}-{}", time::compact(at_us), random_hex::<6>()?))
    }

    /// A directory of its own to work in, which goes when the value goes.
    pub(super) fn scratch(&self, what: &str) -> Result<Scratch, BackupError> {
        let path = self.scratch.join(format!("{what}-{}", random_hex::<6>()?));
        // What is worked on is not encrypted.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(BackupError::file(&path))?;
        Ok(Scratch(path))
    }

    pub(super) async fn write_document<T: Serialize>(&self, name: &str, value: &T) -> Result<(), BackupError> {
        let bytes: Bytes = document::sign(&self.signing, name, value)?;
        self.place.create(name, bytes).await
    }

    pub(super) async fn document<T: DeserializeOwned>(&self, name: &str) -> Result<T, BackupError> {
        document::read(&self.trusted, name, &self.place.read(name).await?)
    }
}

/// The backups of a name.
#[derive(Debug, Default)]
pub struct Listing {
    /// Whole ones, the oldest first.
    pub backups: Vec<Manifest>,
    /// Manifests that cannot be trusted.
    pub unfit: Vec<BackupError>,
}

/// A directory to work in.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        let remove = move || {
            if let Err(error) = paced::remove_all(&path) {
                tracing::warn!(%error, path = %path.display(), "a scratch directory could not be removed");
            }
        };
        // It takes its time, which the threads that serve have not.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// So many random bytes, in hexadecimal digits.
pub(super) fn random_hex<const BYTES: usize>() -> Result<String, BackupError> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(|error| BackupError::Abandoned(format!("no randomness: {error}")))?;
    Ok(hex(&random))
}
