//! What is backed up, where to, with which keys.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use seawall_core::{clock::Clock, meter::Meter};
use seawall_store::{
    DatabaseUrl, Db,
    audit::SigningKey,
    backup::{
        self, BackupError, CaptureOptions, Keys, Meters, Place, Retention, Schedule, Source, SourceUrl, Task, Vault,
    },
};

use crate::app::store::{StoreFault, StorePlace};

/// Why keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To take backups; keys that are missing are made.
    Take,
    /// To read backups that are there: a key that is made for that would open none of them.
    Read,
}

/// Everything that is backed up; nothing when backups are off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backups {
    kept: Arc<[Kept]>,
    /// The public half of the key that signs them.
    signer: Option<String>,
}

/// One thing that is backed up.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) what: What,
    pub(crate) vault: Vault,
    pub(crate) meters: Arc<Meters>,
    schedule: Schedule,
    retention: Retention,
}

/// What it is.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The store in this SQLite file.
    Store(PathBuf),
    /// Something that does not depend on the open store.
    Other(Source),
}

impl Backups {
    /// Reads what a configuration says. `variables` hold the credentials for buckets.
    ///
    /// # Errors
    /// [`StoreFault::Backup`] when the place or a key cannot be used, [`StoreFault::Key`].
    pub(crate) async fn open(
        place: &StorePlace,
        variables: &[(String, String)],
        clock: &Arc<dyn Clock>,
        purpose: Purpose,
        meter: &Arc<dyn Meter>,
    ) -> Result<Self, StoreFault> {
        if place.backup.to.is_none() {
            return Ok(Self::default());
        }
        let (place, clock, meter) = (place.clone(), Arc::clone(clock), Arc::clone(meter));
        let variables: Vec<(String, String)> =
            variables.iter().filter(|(name, _)| backup::is_credential(name)).cloned().collect();
        // Files are read and made.
        let read = tokio::task::spawn_blocking(move || Self::read(&place, &variables, clock, purpose, &*meter)).await;
        read.map_err(|_| StoreFault::Died)?.map_err(|fault| *fault)
    }

    fn read(
        place: &StorePlace,
        variables: &[(String, String)],
        clock: Arc<dyn Clock>,
        purpose: Purpose,
        meter: &dyn Meter,
    ) -> Result<Self, Box<StoreFault>> {
        let settings = &place.backup;
        let Some(to) = &settings.to else { return Ok(Self::default()) };
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| Box::new(StoreFault::Key { path, source })
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&place.data).map_err(fault(&place.data))?;
        if purpose == Purpose::Read && settings.trusted_keys.is_empty() && !place.key_file.exists() {
            let missing = io::Error::new(
                io::ErrorKind::NotFound,
                "it signed the backups, and without it or its public half in `trusted_keys` none is trusted",
            );
            return Err(fault(&place.key_file)(missing));
        }
        let signing = SigningKey::open(&place.key_file).map_err(fault(&place.key_file))?;
        let signer = signing.public_hex();
        let known: Vec<Vec<u8>> =
            std::iter::once(signing.public().to_vec()).chain(settings.trusted_keys.iter().cloned()).collect();
        let unusable = |error| Box::new(StoreFault::Backup(error));
        let keys = keys(place, purpose).map_err(unusable)?;
        let scratch = settings.scratch.clone().unwrap_or_else(|| place.own_scratch());
        let vault = Vault::new(Place::parse(to, variables).map_err(unusable)?, keys, Arc::new(signing), scratch, clock)
            .trusting(settings.trusted_keys.iter().cloned())
            .with_audit_keys(known);
        let store = match (&place.url, &place.server) {
            (DatabaseUrl::Sqlite(path), _) => Some(What::Store(path.clone())),
            (DatabaseUrl::Postgres(_), server) => server.clone().map(|server| What::Other(Source::Postgres(server))),
        };
        let store = store.map(|what| (backup::STORE.to_owned(), what, settings.schedule));
        let entries = settings.entries.iter().map(|entry| {
            let source = match entry.url.clone() {
                SourceUrl::Sqlite(path) => Source::Sqlite(path),
                SourceUrl::Postgres(server) => Source::Postgres(server),
                SourceUrl::Directory(path) => Source::Directory(path),
            };
            (entry.name.clone(), What::Other(source), entry.schedule)
        });
        let kept = store.into_iter().chain(entries).map(|(name, what, schedule)| {
            let vault = match &what {
                What::Other(Source::Postgres(server)) => vault.clone().with_scratch_server(server.clone()),
                _ => vault.clone(),
            };
            let meters = Arc::new(Meters::of(&name, meter));
            Kept { name, what, vault, meters, schedule, retention: settings.retention }
        });
        Ok(Self { kept: kept.collect(), signer: Some(signer) })
    }

    /// Whether anything is backed up.
    pub(crate) fn on(&self) -> bool {
        !self.kept.is_empty()
    }

    /// All of it, the store first.
    pub(crate) fn all(&self) -> &[Kept] {
        &self.kept
    }

    /// What has this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.name == name)
    }

    /// The names.
    pub(crate) fn names(&self) -> String {
        self.kept.iter().map(|kept| kept.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The public half of the key that signs them.
    pub(crate) fn signer(&self) -> Option<&str> {
        self.signer.as_deref()
    }

    /// What keeps them, with this store.
    pub(super) fn tasks(&self, db: &Db) -> Vec<Task> {
        let task = |kept: &Kept| {
            let Kept { name, vault, meters, schedule, retention, .. } = kept.clone();
            Some(Task { name, source: kept.source(Some(db))?, vault, schedule, retention, meters })
        };
        self.kept.iter().filter_map(task).collect()
    }

    /// The vault of the store's own backups, when changes of it are captured.
    pub(super) fn of_store(&self) -> Option<&Vault> {
        self.kept.iter().find(|kept| matches!(kept.what, What::Store(_))).map(|kept| &kept.vault)
    }
}

impl Kept {
    /// What a backup is taken of; nothing when that is the store, and it is not open.
    pub(crate) fn source(&self, db: Option<&Db>) -> Option<Source> {
        match &self.what {
            What::Store(_) => db.cloned().map(Source::Store),
            What::Other(source) => Some(source.clone()),
        }
    }

    /// What it is, in a word.
    pub(super) const fn kind(&self) -> &'static str {
        match &self.what {
            What::Store(_) | What::Other(Source::Store(_)) => "store",
            What::Other(Source::Sqlite(_)) => "sqlite",
            What::Other(Source::Postgres(_)) => "postgres",
            What::Other(Source::Directory(_)) => "directory",
        }
    }
}

impl StorePlace {
    /// Removes what a process that was killed left in the scratch directory of our own: it is not encrypted, and takes room.
    pub(in crate::app::store) fn clear_scratch(&self) {
        match std::fs::remove_dir_all(self.own_scratch()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the scratch directory of the backups could not be cleared");
            }
            _ => {}
        }
    }

    fn own_scratch(&self) -> PathBuf {
        self.data.join("backup-scratch")
    }

    /// Where changes of the store are captured to; nothing when they are not.
    pub(crate) fn capture(&self) -> Option<CaptureOptions> {
        let sqlite = matches!(self.url, DatabaseUrl::Sqlite(_));
        let wanted = sqlite && self.backup.to.is_some() && self.backup.point_in_time;
        wanted.then(|| CaptureOptions::new(self.data.join("backup-changes")))
    }
}

fn keys(place: &StorePlace, purpose: Purpose) -> Result<Keys, BackupError> {
    let file = place.backup.key_file.clone().unwrap_or_else(|| place.data.join("backup.key"));
    let recipients: Vec<&str> = place.backup.recipients.iter().map(String::as_str).collect();
    match (recipients.is_empty(), purpose) {
        (true, Purpose::Take) => Keys::open(&file),
        (true, Purpose::Read) if file.exists() => Keys::open(&file),
        (true, Purpose::Read) => Ok(Keys::none()),
        // A key file that is named besides opens what was made for it: on the machine where backups are verified.
        (false, _) => {
            let keys = Keys::recipients(&recipients)?;
            if place.backup.key_file.is_some() { keys.opened_by(&file) } else { Ok(keys) }
        }
    }
}
