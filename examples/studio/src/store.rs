//! Projects in SQLite, each its owner's alone: no statement finds a project without saying whose it is.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
    failure::Failure,
    models::Asked,
    project::{Blueprint, Feasibility, Project, Round, Specification},
};

/// Projects on one page of the list.
pub(crate) const PAGE: u32 = 10;

/// How long a statement waits for another process, such as a backup.
const BUSY: Duration = Duration::from_secs(5);

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

/// Whose project it is, and which.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) owner: String,
    pub(crate) id: String,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) description: String,
}

impl Store {
    /// Opens the database, and makes its tables when it has none.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        connection.execute_batch(include_str!("schema.sql"))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does work in a transaction, on a thread that may wait.
    async fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            // Whoever panicked has rolled back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        done.await.map_err(|error| Error::Store(error.to_string()))?
    }

    /// Adds a project, and gives its id.
    pub(crate) async fn add(&self, owner: &str, description: String) -> Result<Key, Error> {
        let key = Key { owner: owner.to_owned(), id: fresh_id()? };
        let added = key.clone();
        self.within(move |tx| {
            let sql = "INSERT INTO projects (id, owner, description) VALUES (?1, ?2, ?3)";
            tx.execute(sql, params![added.id, added.owner, description])?;
            Ok(())
        })
        .await?;
        Ok(key)
    }

    /// The projects of somebody before the one of this number, the latest first: at most one more than [`PAGE`].
    pub(crate) async fn list(&self, owner: &str, before: Option<i64>) -> Result<Vec<Listed>, Error> {
        let owner = owner.to_owned();
        self.within(move |tx| {
            let sql = "SELECT number, id, description FROM projects WHERE owner = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
            let mut statement = tx.prepare_cached(sql)?;
            let listed = |row: &Row<'_>| {
                Ok(Listed { number: row.get(0)?, id: row.get(1)?, description: row.get(2)? })
            };
            let rows = statement.query_map(params![owner, before.unwrap_or(i64::MAX), PAGE + 1], listed)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// All of a project.
    pub(crate) async fn project(&self, key: &Key) -> Result<Project, Error> {
        let key = key.clone();
        self.within(move |tx| read(tx, &key)?.ok_or(Error::NoSuchProject)).await
    }

    /// Deletes a project with all that belongs to it.
    pub(crate) async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.change(key, "DELETE FROM projects WHERE id = ?1 AND owner = ?2", None).await
    }

    /// What came of asking whether a product of this description can be built. What is described otherwise meanwhile is left alone.
    pub(crate) async fn set_feasibility(
        &self,
        key: &Key,
        description: String,
        feasibility: &Feasibility,
    ) -> Result<(), Error> {
        let (key, feasibility) = (key.clone(), written(feasibility)?);
        self.within(move |tx| {
            let sql = "UPDATE projects SET feasibility = ?4, failure = NULL WHERE id = ?1 AND owner = ?2 AND refined = 0 AND description = ?3";
            tx.execute(sql, params![key.id, key.owner, description, feasibility])?;
            Ok(())
        })
        .await
    }

    /// Describes the product anew; whether it can be built is not known then.
    pub(crate) async fn describe(&self, key: &Key, description: String) -> Result<(), Error> {
        let sql =
            "UPDATE projects SET description = ?3, feasibility = NULL, failure = NULL WHERE id = ?1 AND owner = ?2";
        self.change(key, sql, Some(description)).await
    }

    /// What came of asking for the specification.
    pub(crate) async fn set_specification(&self, key: &Key, specification: &Specification) -> Result<(), Error> {
        let sql = "UPDATE projects SET specification = ?3, failure = NULL WHERE id = ?1 AND owner = ?2";
        self.change(key, sql, Some(written(specification)?)).await
    }

    /// Why a step brought nothing.
    pub(crate) async fn set_failure(&self, key: &Key, failure: Failure) -> Result<(), Error> {
        let sql = "UPDATE projects SET failure = ?3 WHERE id = ?1 AND owner = ?2";
        self.change(key, sql, Some(failure.to_string())).await
    }

    /// There are no more questions; one without an answer is forgotten.
    pub(crate) async fn finish_questions(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.within(move |tx| finish(tx, &key)).await
    }

    /// Keeps the answer to a question, if that is the one that waits for an answer.
    pub(crate) async fn answer(&self, key: &Key, number: u32, answer: String) -> Result<(), Error> {
        let key = key.clone();
        self.within(move |tx| {
            let project = read(tx, &key)?.ok_or(Error::NoSuchProject)?;
            let Some(round) = project.pending().filter(|round| round.number == number) else { return Ok(()) };
            let sql = "UPDATE rounds SET answer = ?3 WHERE project = ?1 AND number = ?2";
            tx.execute(sql, params![key.id, round.number, answer])?;
            if round.last { finish(tx, &key) } else { Ok(()) }
        })
        .await
    }

    /// What came of asking for a question.
    pub(crate) async fn set_question(&self, key: &Key, asked: Asked) -> Result<(), Error> {
        let key = key.clone();
        self.within(move |tx| {
            let project = read(tx, &key)?.ok_or(Error::NoSuchProject)?;
            let Asked::Question { text, last } = asked else { return finish(tx, &key) };
            if project.pending().is_none() && !project.refined {
                let number = project.rounds.last().map_or(1, |round| round.number + 1);
                let sql = "INSERT INTO rounds (project, number, question, last) VALUES (?1, ?2, ?3, ?4)";
                tx.execute(sql, params![key.id, number, text, last])?;
            }
            tx.execute("UPDATE projects SET failure = NULL WHERE id = ?1", params![key.id])?;
            Ok(())
        })
        .await
    }

    /// What came of drawing a view. A picture that is there is kept.
    pub(crate) async fn set_blueprint(
        &self,
        key: &Key,
        view: &'static str,
        drawn: Result<Vec<u8>, Failure>,
    ) -> Result<(), Error> {
        let key = key.clone();
        self.within(move |tx| {
            read(tx, &key)?.ok_or(Error::NoSuchProject)?;
            let (picture, failure) = match drawn {
                Ok(picture) => (Some(picture), None),
                Err(failure) => (None, Some(failure.to_string())),
            };
            let sql = "INSERT INTO blueprints (project, view, picture, failure) VALUES (?1, ?2, ?3, ?4) \
                ON CONFLICT DO UPDATE SET picture = ?3, failure = ?4 WHERE picture IS NULL";
            tx.execute(sql, params![key.id, view, picture, failure])?;
            Ok(())
        })
        .await
    }

    /// The picture of a view.
    pub(crate) async fn picture(&self, key: &Key, view: String) -> Result<Vec<u8>, Error> {
        let key = key.clone();
        self.within(move |tx| {
            let sql = "SELECT picture FROM blueprints JOIN projects ON projects.id = project WHERE project = ?1 AND owner = ?2 AND view = ?3";
            let picture = tx.query_row(sql, params![key.id, key.owner, view], |row| row.get::<_, Option<Vec<u8>>>(0));
            picture.optional()?.flatten().ok_or(Error::NoSuchProject)
        })
        .await
    }

    /// One statement with the id, the owner and perhaps a value. A project that is gone meanwhile is left alone.
    async fn change(&self, key: &Key, sql: &'static str, value: Option<String>) -> Result<(), Error> {
        let key = key.clone();
        self.within(move |tx| {
            match value {
                Some(value) => tx.execute(sql, params![key.id, key.owner, value])?,
                None => tx.execute(sql, params![key.id, key.owner])?,
            };
            Ok(())
        })
        .await
    }
}

fn finish(tx: &Connection, key: &Key) -> Result<(), Error> {
    let sql = "UPDATE projects SET refined = 1, failure = NULL WHERE id = ?1 AND owner = ?2";
    if tx.execute(sql, params![key.id, key.owner])? > 0 {
        tx.execute("DELETE FROM rounds WHERE project = ?1 AND answer IS NULL", params![key.id])?;
    }
    Ok(())
}

fn read(tx: &Connection, key: &Key) -> Result<Option<Project>, Error> {
    let sql =
        "SELECT description, feasibility, refined, specification, failure FROM projects WHERE id = ?1 AND owner = ?2";
    let found = tx.query_row(sql, params![key.id, key.owner], |row| {
        Ok(Project {
            id: key.id.clone(),
            description: row.get(0)?,
            feasibility: of_json(row, 1)?,
            refined: row.get(2)?,
            specification: of_json(row, 3)?,
            failure: row.get(4)?,
            ..Project::default()
        })
    });
    let Some(project) = found.optional()? else { return Ok(None) };
    let sql = "SELECT number, question, answer, last FROM rounds WHERE project = ?1 ORDER BY number";
    let rounds = tx
        .prepare_cached(sql)?
        .query_map(params![key.id], |row| {
            Ok(Round { number: row.get(0)?, question: row.get(1)?, answer: row.get(2)?, last: row.get(3)? })
        })?
        .collect::<Result<_, _>>()?;
    let sql = "SELECT view, failure FROM blueprints WHERE project = ?1";
    let blueprints = tx
        .prepare_cached(sql)?
        .query_map(params![key.id], |row| Ok(Blueprint { view: row.get(0)?, failure: row.get(1)? }))?
        .collect::<Result<_, _>>()?;
    Ok(Some(Project { rounds, blueprints, ..project }))
}

/// A column with JSON; what an earlier version wrote and this one cannot read counts as absent, so the page is shown all the same.
fn of_json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(at)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn written(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Store(error.to_string()))
}

/// 128 random bits: nobody guesses a project, and its id stays when others go.
fn fresh_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store(error.to_string()))?;
    Ok(format!("prj_{:032x}", u128::from_be_bytes(bytes)))
}
