//! What can go wrong with backups.

use std::{io, path::PathBuf, sync::Arc};

use crate::{OpenError, StoreError};

/// What was attempted and why it failed. Each message says what to do where that is not plain.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The place's URL is of no known form.
    #[error("`{url}` is no place for backups: {reason}")]
    PlaceUrl {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The store is no file that could be copied.
    #[error("the store is in PostgreSQL, and is backed up as the PostgreSQL database that it is")]
    NotEmbedded,
    /// The place cannot be reached or used.
    #[error("{what} failed at {place}")]
    Place {
        /// The place.
        place: Arc<str>,
        /// What was attempted.
        what: String,
        /// Why.
        source: Box<object_store::Error>,
    },
    /// The place does not let us.
    #[error("{what} was refused at {place}; give credentials that may do it: {keys}")]
    Refused {
        /// The place.
        place: Arc<str>,
        /// What was attempted.
        what: String,
        /// The variables that hold the credentials.
        keys: &'static str,
        /// What the place said.
        source: Box<object_store::Error>,
    },
    /// The place did not answer in time.
    #[error("{place} did not answer in {limit_s} s: {what}")]
    TimedOut {
        /// The place.
        place: Arc<str>,
        /// What was attempted.
        what: String,
        /// How long was waited, in seconds.
        limit_s: u64,
    },
    /// An object that a manifest names is gone.
    #[error("{object} is missing at the place of the backups; choose another backup")]
    Missing {
        /// Its name.
        object: String,
    },
    /// An object is not as it was written.
    #[error("{object} is damaged: {reason}")]
    Damaged {
        /// Its name.
        object: String,
        /// How it shows.
        reason: String,
    },
    /// A manifest is not signed by a known key.
    #[error("{object} is not signed by a key that is trusted here; whoever wrote it is not this installation")]
    Forged {
        /// Its name.
        object: String,
    },
    /// An object is encrypted, and no key that opens it is here.
    #[error("{object} is encrypted for other keys than those given; give the key file that was used when it was made")]
    WrongKey {
        /// Its name.
        object: String,
    },
    /// A key file or a recipient cannot be read.
    #[error("the key for backups is of no use: {0}")]
    Key(String),
    /// A file of this machine cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no backup.
    #[error("there is no backup of {0} at this place")]
    NoBackup(String),
    /// No backup reaches the wanted time.
    #[error("{wanted} cannot be restored: {reason}")]
    NotCovered {
        /// The wanted time.
        wanted: String,
        /// Why.
        reason: String,
    },
    /// What was restored does not pass its checks.
    #[error("the restored data is not sound: {0}")]
    Unsound(String),
    /// A tool could not be used.
    #[error("{tool}: {reason}")]
    Tool {
        /// Its name.
        tool: &'static str,
        /// What went wrong, and what to do.
        reason: String,
    },
    /// What is asked for does not fit this kind of backup.
    #[error("{0}")]
    Unfit(String),
    /// The database could not be used.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
    /// The database could not be opened.
    #[error("the database could not be opened")]
    Open(#[from] OpenError),
    /// The work was abandoned by its thread.
    #[error("the work ended before it was done: {0}")]
    Abandoned(String),
}

impl BackupError {
    /// A file that could not be used.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// A failure of SQLite.
    pub(super) fn sqlite(error: rusqlite::Error) -> Self {
        Self::Store(crate::sqlite::fault(error))
    }

    /// Whether the same may succeed later without anybody doing anything.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Place { .. }
            | Self::Refused { .. }
            | Self::TimedOut { .. }
            | Self::File { .. }
            | Self::Abandoned(_) => true,
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }

    /// Whether an object of this name is there already.
    pub(crate) fn exists_already(&self) -> bool {
        matches!(self, Self::Place { source, .. } if matches!(**source, object_store::Error::AlreadyExists { .. }))
    }

    /// Whether nothing is known about the backup itself: it could not be looked at.
    #[must_use]
    pub(super) fn inconclusive(&self) -> bool {
        self.retryable() || matches!(self, Self::WrongKey { .. } | Self::Key(_) | Self::Tool { .. } | Self::Open(_))
    }

    /// All of it in one line, with its reasons.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            let reason = error.to_string();
            // Some errors say what their reasons say.
            if !text.contains(&reason) {
                text.push_str(": ");
                text.push_str(&reason);
            }
            next = error.source();
        }
        text
    }
}
