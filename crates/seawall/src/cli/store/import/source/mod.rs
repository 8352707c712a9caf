//! Where rows come from: a file of CSV or JSON lines, or a database. All are read a piece after the other, and can be gone on with.

mod csv;
mod database;
mod json;
mod text;

use std::path::{Path, PathBuf};

use seawall_identity::import::{Fault, Fingerprint};
use seawall_store::{
    DatabaseUrl,
    foreign::{ForeignError, Select},
};

use self::{csv::Csv, database::Database, json::JsonLines};
use super::super::super::CliError;

/// A row as it was read, or what is wrong with it.
pub(super) struct Record {
    /// Where it stands.
    pub(super) position: String,
    /// The same for people.
    pub(super) place: String,
    /// Where the next one stands.
    pub(super) after: String,
    /// The values of the columns that were chosen.
    pub(super) cells: Result<Vec<Option<String>>, Fault>,
}

/// What is said of a source besides where it is.
pub(super) struct Said<'a> {
    pub(super) table: Option<&'a str>,
    pub(super) select: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    /// The columns of a file without a header.
    pub(super) columns: &'a [String],
}

/// One of them, open.
pub(super) enum Source {
    Csv(Csv),
    Json(JsonLines),
    Database(Box<Database>),
}

impl Source {
    /// Opens what a URL or a path leads to. `@FILE` holds a URL, so that no list of processes shows a password.
    pub(super) async fn open(text: &str, said: &Said<'_>, directory: &Path) -> Result<Self, CliError> {
        let held = match text.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(directory.join(file))?.trim().to_owned(),
            None => text.to_owned(),
        };
        if !held.contains("://") {
            return Self::file(&directory.join(&held), said);
        }
        let usage = |why: String| CliError::Usage(format!("error: {why}\n"));
        let url = DatabaseUrl::parse(&held).map_err(|why| usage(format!("that is no database: {why}")))?;
        let select = match (said.table, said.select) {
            (_, Some(text)) => Select::Query(text.to_owned()),
            (name, None) => Select::Table(name.unwrap_or("users").to_owned()),
        };
        let opened = Database::open(&url.within(directory), &select, said.key).await;
        Ok(Self::Database(Box::new(opened.map_err(|error| failed(&error))?)))
    }

    fn file(path: &Path, said: &Said<'_>) -> Result<Self, CliError> {
        let usage = |why: &str| CliError::Usage(format!("error: {why}\n"));
        if said.table.is_some() || said.select.is_some() || said.key.is_some() {
            return Err(usage("--table, --select and --key are for databases: sqlite://PATH or postgres://…"));
        }
        let open = |error: std::io::Error| CliError::Missing(format!("{} cannot be read: {error}", path.display()));
        match path.extension().and_then(|end| end.to_str()) {
            Some("jsonl" | "ndjson") => JsonLines::open(path).map(Self::Json).map_err(open),
            Some("csv" | "tsv" | "txt") => Csv::open(path, said.columns).map(Self::Csv).map_err(open),
            _ => Err(usage(
                "name a file that ends in .csv, .tsv or .jsonl, or a database: sqlite://PATH or postgres://…",
            )),
        }
    }

    /// The columns there are.
    pub(super) fn columns(&self) -> Vec<String> {
        match self {
            Self::Csv(csv) => csv.columns().to_vec(),
            Self::Json(json) => json.columns().to_vec(),
            Self::Database(database) => database.columns(),
        }
    }

    /// Chooses columns.
    pub(super) async fn choose(&mut self, columns: &[String], id: Option<&str>) -> Result<(), CliError> {
        match self {
            Self::Csv(csv) => csv.choose(columns),
            Self::Json(json) => json.choose(columns),
            Self::Database(database) => database.choose(columns, id).await.map_err(|error| failed(&error))?,
        }
        Ok(())
    }

    /// Goes to where a run before ended.
    pub(super) fn go_on(&mut self, position: &str) -> Result<(), CliError> {
        let lost = || CliError::Missing("the place where the last run ended cannot be found; use --again".to_owned());
        match self {
            Self::Csv(csv) => csv.go_on(position)?.ok_or_else(lost),
            Self::Json(json) => json.go_on(position)?.ok_or_else(lost),
            Self::Database(database) => database.go_on(position).ok_or_else(lost),
        }
    }

    /// The next rows, so many at most; none at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Record>, CliError> {
        match self {
            Self::Csv(csv) => Ok(csv.next(most)?),
            Self::Json(json) => Ok(json.next(most)?),
            Self::Database(database) => database.next(most).await.map_err(|error| failed(&error)),
        }
    }

    /// A row as the reject file has it, with its line's end.
    pub(super) async fn raw(&mut self, position: &str) -> Result<Vec<u8>, CliError> {
        match self {
            Self::Csv(csv) => Ok(csv.raw(position)?),
            Self::Json(json) => Ok(json.raw(position)?),
            Self::Database(database) => database.raw(position).await.map_err(|error| failed(&error)),
        }
    }

    /// What stands before the rows of a reject file.
    pub(super) fn header(&self) -> Vec<u8> {
        match self {
            Self::Csv(csv) => csv.header(),
            Self::Json(_) | Self::Database(_) => Vec::new(),
        }
    }

    /// Where rows go that are not taken, unless it is said.
    pub(super) fn rejects(&self, directory: &Path) -> PathBuf {
        match self {
            Self::Csv(csv) => rejected(csv.path()),
            Self::Json(json) => rejected(json.path()),
            Self::Database(_) => directory.join("users.rejected.jsonl"),
        }
    }

    /// What it is known by: the whole content of a file, or which rows of which database.
    pub(super) fn fingerprint(&self) -> Result<Fingerprint, CliError> {
        Ok(match self {
            Self::Csv(csv) => Fingerprint::default().with("csv").with_all_of(std::fs::File::open(csv.path())?)?,
            Self::Json(json) => Fingerprint::default().with("jsonl").with_all_of(std::fs::File::open(json.path())?)?,
            Self::Database(database) => database.fingerprint(),
        })
    }

    /// What it is called, without a password.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Csv(csv) => csv.path().display().to_string(),
            Self::Json(json) => json.path().display().to_string(),
            Self::Database(database) => database.name().to_owned(),
        }
    }

    /// Whether what is behind its end may grow.
    pub(super) const fn grows(&self) -> bool {
        matches!(self, Self::Database(_))
    }

    /// How much there is in all, in the units of [`Self::done`].
    pub(super) async fn total(&mut self) -> Result<u64, CliError> {
        match self {
            Self::Csv(csv) => Ok(std::fs::metadata(csv.path())?.len()),
            Self::Json(json) => Ok(std::fs::metadata(json.path())?.len()),
            Self::Database(database) => database.total().await.map_err(|error| failed(&error)),
        }
    }

    /// How far a position is, of a file.
    pub(super) fn done(&self, position: &str) -> Option<u64> {
        match self {
            Self::Csv(_) | Self::Json(_) => position.split_once(':').and_then(|(offset, _)| offset.parse().ok()),
            Self::Database(_) => None,
        }
    }
}

/// `users.csv` becomes `users.rejected.csv`.
fn rejected(path: &Path) -> PathBuf {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    path.with_extension(format!("rejected.{end}"))
}

fn failed(error: &ForeignError) -> CliError {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    match error {
        ForeignError::NoTable { .. } => CliError::Missing(format!("{text}\n  help: name one with --table")),
        ForeignError::NoKey(_) | ForeignError::BadKey { .. } => {
            CliError::Usage(format!("error: {text}\n  help: name it with --key COLUMN\n"))
        }
        ForeignError::NoColumn { .. } | ForeignError::NotASelect(_) => CliError::Usage(format!("error: {text}\n")),
        _ => CliError::Missing(text),
    }
}
