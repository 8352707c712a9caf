//! What can be backed up.

use std::path::PathBuf;

use super::{Kind, PostgresServer};
use crate::Db;

/// A source of backups.
#[derive(Clone, Debug)]
pub enum Source {
    /// Seawall's own store in SQLite.
    Store(Db),
    /// A SQLite file of an application, which may be in use.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresServer),
    /// A directory.
    Directory(PathBuf),
}

impl Source {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Store(_) => Kind::Store,
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
            Self::Directory(_) => Kind::Directory,
        }
    }
}
