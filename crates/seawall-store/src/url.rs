//! Where a database is.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use seawall_core::settings::{Raw, Setting, Shape};

use crate::PostgresUrl;

/// A database by its URL: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(url) = PostgresUrl::parse(text) {
            return url.map(Self::Postgres);
        }
        match text.strip_prefix("sqlite://") {
            Some("") => Err("the path of the file is missing: sqlite:///var/lib/seawall/seawall.db".to_owned()),
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => Err("expected sqlite://PATH or postgres://USER@HOST/DATABASE".to_owned()),
        }
    }

    /// The database of a PostgreSQL server, when it is one.
    #[must_use]
    pub fn postgres(self) -> Option<PostgresUrl> {
        match self {
            Self::Postgres(url) => Some(url),
            Self::Sqlite(_) => None,
        }
    }

    /// Whether there is a database that could be opened; one on a server is taken to be there.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
            Self::Postgres(_) => true,
        }
    }

    /// The same database; a relative path begins in `directory`.
    #[must_use]
    pub fn within(self, directory: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(directory.join(path)),
            Self::Postgres(url) => Self::Postgres(url),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl Setting for DatabaseUrl {
    // It may hold a password.
    const SHAPE: Shape = Shape::Address;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}
