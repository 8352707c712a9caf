//! A table, a view or a SELECT of a foreign database, read in pages.

use std::fmt;

use super::{
    ForeignError, ForeignKey, ForeignRow,
    nearest::{listed, nearest},
    postgres::Postgres,
    sqlite::Sqlite,
};
use crate::DatabaseUrl;

/// What is read of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// A table or a view by its name; of PostgreSQL also as SCHEMA.NAME.
    Table(String),
    /// The rows of a SELECT.
    Query(String),
}

/// A column as its database lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type, of PostgreSQL, as it can be written in a CAST.
    pub(super) kind: Kind,
}

/// How a column's values come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are: all of SQLite, and text.
    Plain,
    /// As truth values.
    Flag,
    /// As whole numbers.
    Integer,
    /// As bytes.
    Bytes,
    /// As text, by a CAST from this type.
    Cast(String),
}

/// What is known of the rows before one is read.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// As it stands behind FROM.
    pub(super) from: String,
    pub(super) columns: Vec<Column>,
    /// The column, or SQLite's rowid, by which rows are told apart.
    pub(super) key: Option<String>,
}

/// Rows of a database that is not ours.
pub struct ForeignSource {
    engine: Engine,
    select: Select,
    described: Described,
    /// The columns that are read.
    chosen: Vec<Column>,
    key: Option<Column>,
}

enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

/// The rows of a page, when no two of them have the same key.
pub(super) fn distinct(rows: Vec<ForeignRow>, limit: u32, column: &str) -> Result<Vec<ForeignRow>, ForeignError> {
    let twice = rows.windows(2).any(|pair| matches!(pair, [one, other] if one.key == other.key));
    if twice {
        return Err(ForeignError::BadKey { column: column.to_owned(), why: "has one value twice" });
    }
    let mut rows = rows;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

impl ForeignSource {
    /// Opens it, and finds out which columns there are. Nothing is written, and no file made.
    ///
    /// # Errors
    /// [`ForeignError`].
    pub async fn open(url: &DatabaseUrl, select: &Select) -> Result<Self, ForeignError> {
        let (engine, described) = match url {
            DatabaseUrl::Sqlite(path) => {
                let (sqlite, described) = Sqlite::open(path, select).await?;
                (Engine::Sqlite(sqlite), described)
            }
            DatabaseUrl::Postgres(url) => {
                let (postgres, described) = Postgres::open(url, select).await?;
                (Engine::Postgres(Box::new(postgres)), described)
            }
        };
        Ok(Self { engine, select: select.clone(), described, chosen: Vec::new(), key: None })
    }

    /// The columns, as the database lists them.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.described.columns.iter().map(|column| column.name.as_str())
    }

    /// By what rows are told apart, when nothing else is said: the primary key, or SQLite's `rowid`.
    #[must_use]
    pub fn own_key(&self) -> Option<&str> {
        self.described.key.as_deref()
    }

    /// Chooses the columns that are read, and the column whose order they come in; the own key when none is named.
    ///
    /// # Errors
    /// [`ForeignError::NoColumn`]; [`ForeignError::NoKey`] and [`ForeignError::BadKey`] when rows could be lost.
    pub async fn choose(&mut self, columns: &[&str], key: Option<&str>) -> Result<(), ForeignError> {
        let chosen = columns.iter().map(|name| self.column(name)).collect::<Result<Vec<_>, _>>()?;
        let key = match (key, self.described.key.clone()) {
            (Some(name), _) => self.column(name)?,
            // SQLite's rowid is no column that it lists.
            (None, Some(name)) => self.column(&name).unwrap_or(Column { name, kind: Kind::Plain }),
            (None, None) => return Err(ForeignError::NoKey(self.select.to_string())),
        };
        match &mut self.engine {
            Engine::Sqlite(sqlite) => sqlite.prepare(&self.described, &chosen, &key).await?,
            Engine::Postgres(postgres) => postgres.prepare(&self.described, &chosen, &key).await?,
        }
        (self.chosen, self.key) = (chosen, Some(key));
        Ok(())
    }

    /// The columns that were chosen.
    pub fn chosen(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(|column| column.name.as_str())
    }

    /// The column whose order rows come in, once columns were chosen.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|column| column.name.as_str())
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// [`ForeignError`].
    pub async fn count(&mut self) -> Result<u64, ForeignError> {
        match &mut self.engine {
            Engine::Sqlite(sqlite) => sqlite.count().await,
            Engine::Postgres(postgres) => postgres.count().await,
        }
    }

    /// Up to `limit` rows behind a key, or the first ones. Only these are held in memory.
    ///
    /// # Errors
    /// [`ForeignError`].
    pub async fn page(&mut self, after: Option<&ForeignKey>, limit: u32) -> Result<Vec<ForeignRow>, ForeignError> {
        let rows = match &mut self.engine {
            Engine::Sqlite(sqlite) => sqlite.page(after, limit).await?,
            Engine::Postgres(postgres) => postgres.page(after, limit).await?,
        };
        distinct(rows, limit, self.key().unwrap_or_default())
    }

    /// The row with a key, if it is still there.
    ///
    /// # Errors
    /// [`ForeignError`].
    pub async fn row(&mut self, key: &ForeignKey) -> Result<Option<ForeignRow>, ForeignError> {
        let rows = match &mut self.engine {
            Engine::Sqlite(sqlite) => sqlite.row(key).await?,
            Engine::Postgres(postgres) => postgres.row(key).await?,
        };
        Ok(rows.into_iter().next())
    }

    fn column(&self, name: &str) -> Result<Column, ForeignError> {
        let found = self.described.columns.iter().find(|column| column.name == name);
        found.cloned().ok_or_else(|| ForeignError::NoColumn { name: name.to_owned(), known: self.known(name) })
    }

    fn known(&self, name: &str) -> String {
        match nearest(name, self.columns()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", listed(&self.columns().map(str::to_owned).collect::<Vec<_>>())),
        }
    }
}

impl fmt::Debug for ForeignSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignSource").field("select", &self.select).field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(name) => f.write_str(name),
            Self::Query(_) => f.write_str("the SELECT"),
        }
    }
}
