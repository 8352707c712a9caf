//! Why there is no store.

use std::{io, path::PathBuf};

use seawall_store::{OpenError, migration::MigrationError};

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
    /// It is to be migrated by hand.
    #[error("{0} migrations of the store are pending, and `migrate` in [store] is \"manual\"")]
    Pending(usize),
    /// A pending migration and a running process do not go together.
    #[error("migration {0} of the store takes away what the running process needs, so there is no overlap of the two")]
    Overlap(String),
    /// The key that signs checkpoints.
    #[error("the key {path} cannot be used")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its opening ended by a fault of ours.
    #[error("opening the store ended by a fault of its own; the log says where")]
    Died,
}

impl StoreFault {
    /// The exit code: 69 for what is in use or missing, 70 for our own faults, 64 for what the configuration asks.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Open { source: OpenError::Url { .. } | OpenError::Network { .. }, .. } => 64,
            Self::Open { .. } | Self::Migrate { .. } | Self::Pending(_) | Self::Overlap(_) | Self::Key { .. } => 69,
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
            Self::Pending(_) => "run `seawall migrate status` to see them and `seawall migrate up` to apply them",
            Self::Overlap(_) => "stop the running process and start this one: requests wait for it meanwhile",
            Self::Key { .. } => {
                "see that Seawall may read it; when it is lost, remove it: a new one is made, and earlier checkpoints are verified with the old public key only"
            }
            Self::Migrate { .. } | Self::Died => return None,
        };
        Some(help.to_owned())
    }
}
