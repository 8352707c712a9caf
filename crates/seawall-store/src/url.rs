//! Where a database is.

use std::path::PathBuf;

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
