//! Where a database is.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use seawall_core::settings::{Raw, Setting, Shape};

/// A database by its URL: `sqlite://PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite://") {
            Some("") => Err("the path of the file is missing: sqlite:///var/lib/seawall/seawall.db".to_owned()),
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => Err("expected sqlite://PATH".to_owned()),
        }
    }

    /// Whether there is a database that could be opened; one on a server is taken to be there.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
        }
    }

    /// The same database; a relative path begins in `directory`.
    #[must_use]
    pub fn within(self, directory: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(directory.join(path)),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
        }
    }
}

impl Setting for DatabaseUrl {
    const SHAPE: Shape = Shape::Text("database URL", "sqlite:///var/lib/seawall/seawall.db");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}
