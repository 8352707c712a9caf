//! Why there is no store.

use std::{io, path::PathBuf};

use seawall_store::{OpenError, StoreError, backup::BackupError, counters::RedisFault, migration::MigrationError};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// It cannot be opened.
    #[error("the store at {url} cannot be opened")]
    Open {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// It cannot be brought up to this version.
    #[error("the store at {url} cannot be migrated")]
    Migrate {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: MigrationError,
    },
    /// It could not be copied before its tables change.
    #[error("the store at {url} was not migrated, because it could not be copied before")]
    Copy {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: BackupError,
    },
    /// Backups cannot be taken as configured.
    #[error("backups cannot be taken as [backup] says")]
    Backup(#[source] BackupError),
    /// Checkpoints of the audit log cannot be delivered as configured.
    #[error("checkpoints of the audit log cannot be delivered as `{key}` in [audit_log] says: {reason}")]
    Checkpoints {
        /// The key.
        key: &'static str,
        /// Why.
        reason: String,
    },
    /// It holds part of another database.
    #[error("the store at {url} holds part of {origin} only: the move has not come to its end")]
    Partial {
        /// Where it is.
        url: String,
        /// Where its rows come from.
        origin: String,
    },
    /// It cannot be read.
    #[error("the store at {url} cannot be read")]
    Read {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// It is to be migrated by hand.
    #[error("{0} migrations of the store are pending, and `migrate` in [store] is \"manual\"")]
    Pending(usize),
    /// A pending migration and a running process do not go together.
    #[error("migration {0} of the store takes away what the running process needs, so there is no overlap of the two")]
    Overlap(String),
    /// The key that signs checkpoints and backups.
    #[error("the key {path} cannot be used")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Messages between nodes cannot be carried as configured.
    #[error("messages between nodes cannot be carried over redis")]
    Messages(#[source] RedisFault),
    /// Its opening ended by a fault of ours.
    #[error("opening the store ended by a fault of its own; the log says where")]
    Died,
}

impl StoreFault {
    /// The exit code: 69 for what is in use or missing, 70 for our own faults, 64 for what the configuration asks.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Open { source: OpenError::Url { .. } | OpenError::Network { .. }, .. }
            | Self::Backup(BackupError::Key(_))
            | Self::Messages(_) => 64,
            Self::Open { .. }
            | Self::Migrate { .. }
            | Self::Copy { .. }
            | Self::Backup(_)
            | Self::Checkpoints { .. }
            | Self::Pending(_)
            | Self::Overlap(_)
            | Self::Partial { .. }
            | Self::Read { .. }
            | Self::Key { .. } => 69,
            Self::Died => 70,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Open { source: OpenError::InUse(_), .. } => {
                "stop the other process, or take over from it with --take-over"
            }
            Self::Open { .. } => {
                "see that the directory exists and may be written, or choose another place with `url` in [store]"
            }
            Self::Copy { .. } => {
                "make room beside the database for a second one of its size, and see that the directory may be written"
            }
            Self::Backup(BackupError::PlaceUrl { .. }) => {
                "see that the place is there and may be written, or choose another as `to` in [backup]"
            }
            Self::Checkpoints { .. } => {
                "see that the destination is there and may be written, or name another in [audit_log]"
            }
            Self::Backup(_) => "give the key file or the recipients that [backup] names",
            Self::Messages(_) => "see the address in `redis` in [store]",
            Self::Partial { .. } => "run the same `seawall db move` again; it goes on where it was",
            Self::Pending(_) => "run `seawall migrate status` to see them and `seawall migrate up` to apply them",
            Self::Overlap(_) => "stop the running process and start this one: requests wait for it meanwhile",
            Self::Key { .. } => {
                "put it where it was, from the copy that is kept elsewhere, and see that Seawall may read it; when it is lost, remove it and start the server: a new one is made, and what the old one signed counts once its public half is in `trusted_keys` of [audit_log]"
            }
            Self::Migrate { .. } | Self::Read { .. } | Self::Died => return None,
        };
        Some(help.to_owned())
    }
}
