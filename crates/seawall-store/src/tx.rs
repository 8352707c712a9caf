//! A transaction as its closure sees it.
//!
//! After a statement failed, the transaction takes no more of them and is rolled back, whatever its closure answers: so it is on
//! PostgreSQL, and both engines behave alike. What may fail without harm belongs in [`Tx::savepoint`].

use std::{
    borrow::Cow,
    fmt,
    ops::{Deref, DerefMut},
};

use seawall_core::clock::Now;

use crate::{
    Actor, Cause, FromRow, Parameters, Row, StoreError,
    cache::{Cache, CacheKey},
    dialect::Dialect,
    effects::Effects,
    id,
    session::{Savepoint, Session},
    value,
    watch::Watch,
};

/// A transaction that only reads. It sees the database as it was at its first statement.
pub struct ReadTx<'a> {
    session: &'a mut dyn Session,
    watch: &'a Watch,
    /// The first failure, after which nothing more is run.
    spoiled: Option<StoreError>,
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(session: &'a mut dyn Session, watch: &'a Watch) -> Self {
        Self { session, watch, spoiled: None }
    }

    /// All rows of a query. Give it a LIMIT: all of them are held in memory.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is not of this type.
    pub fn all<T: FromRow>(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, parameters, |row| {
            rows.push(T::from_row(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row of a query, when there is one.
    ///
    /// # Errors
    /// [`StoreError`], also when the row is not of this type.
    pub fn find<T: FromRow>(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.each(sql, parameters, |row| {
            if first.is_none() {
                first = Some(T::from_row(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// The first row of a query that has one.
    ///
    /// # Errors
    /// [`StoreError::NoRow`] when there is none.
    pub fn one<T: FromRow>(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<T, StoreError> {
        self.find(sql, parameters)?.ok_or(StoreError::NoRow)
    }

    /// Shows each row of a query.
    ///
    /// # Errors
    /// [`StoreError`]; and what `look` answers, at which it stops.
    pub fn each(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
        mut look: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        value::check(parameters)?;
        self.run(sql, |session| session.query(sql, parameters, &mut look))
    }

    /// Runs one statement, unless one has failed before.
    fn run<T>(
        &mut self,
        sql: &'static str,
        statement: impl FnOnce(&mut dyn Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(failure) = &self.spoiled {
            return Err(failure.clone());
        }
        let begun = self.watch.now();
        let outcome = statement(self.session);
        self.watch.statement(sql, begun);
        if let Err(failure) = &outcome {
            self.spoiled = Some(failure.clone());
        }
        outcome
    }

    /// Whose words the statements are.
    pub(crate) fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// Why it has to be rolled back, if it has to.
    pub(crate) fn spoiled(&mut self) -> Option<StoreError> {
        self.spoiled.take()
    }
}

impl fmt::Debug for ReadTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadTx").field("spoiled", &self.spoiled).finish_non_exhaustive()
    }
}

/// A transaction that reads and writes. It may run more than once, so all that it does goes through this value.
#[derive(Debug)]
pub struct Tx<'a> {
    read: ReadTx<'a>,
    cause: Cow<'a, Cause>,
    effects: &'a mut Effects,
    at: Now,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(read: ReadTx<'a>, cause: &'a Cause, effects: &'a mut Effects, at: Now) -> Self {
        Self { read, cause: Cow::Borrowed(cause), effects, at }
    }

    /// Runs a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn execute(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<u64, StoreError> {
        value::check(parameters)?;
        self.read.run(sql, |session| session.execute(sql, parameters))
    }

    /// Runs a statement once for each row of parameters. Over a network they go out together, and are waited for once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn execute_each(&mut self, sql: &'static str, rows: &[Parameters<'_>]) -> Result<(), StoreError> {
        rows.iter().try_for_each(|parameters| value::check(parameters))?;
        self.read.run(sql, |session| session.execute_each(sql, rows))
    }

    /// Runs a script of the store's own.
    pub(crate) fn script(&mut self, what: &'static str, sql: &str) -> Result<(), StoreError> {
        self.read.run(what, |session| session.script(sql))
    }

    /// The connection itself, for statements that are run as one step.
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        self.read.session
    }

    /// Whether a table, named by a migration, has rows.
    pub(crate) fn has_rows(&mut self, table: &'static str) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        self.read.run("rows of a table", |session| session.any(&sql))
    }

    /// Keeps every other migrator waiting until the transaction ends.
    pub(crate) fn lock_migrations(&mut self) -> Result<(), StoreError> {
        self.read.run("migration lock", |session| session.lock_migrations())
    }

    /// Runs a part that may fail without harm: when it answers an error, nothing of it is kept and the transaction goes on.
    ///
    /// # Errors
    /// What the part answers, or why it could not be kept.
    pub fn savepoint<T, E: From<StoreError>>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        const NAME: &str = "SAVEPOINT";
        let mark = self.effects.mark();
        self.read.run(NAME, |session| session.savepoint(Savepoint::Set))?;
        let failure = match (part(self), self.read.spoiled()) {
            (Ok(value), None) => {
                self.read.run(NAME, |session| session.savepoint(Savepoint::Release))?;
                return Ok(value);
            }
            (Ok(_), Some(failure)) => failure.into(),
            (Err(error), _) => error,
        };
        self.effects.back_to(mark);
        self.read.run(NAME, |session| session.savepoint(Savepoint::Undo))?;
        Err(failure)
    }

    /// Lets `event` happen once the transaction is committed, on a thread of the store; it must not wait.
    pub fn on_commit(&mut self, event: impl FnOnce() + Send + 'static) {
        self.effects.events.push(Box::new(event));
    }

    /// Makes what a cache holds under these keys void. Once the transaction is committed, and before its caller has the answer, this
    /// node's cache has forgotten them; other nodes are told then. Many keys are best given in
    /// one call.
    pub fn void<K: CacheKey, V: Clone + Send + Sync + 'static>(
        &mut self,
        cache: &Cache<K, V>,
        keys: impl IntoIterator<Item = K>,
    ) {
        let (cache, keys) = (cache.clone(), keys.into_iter().collect::<Vec<K>>());
        self.effects.voids.push(Box::new(move || cache.forget(&keys)));
    }

    /// Makes everything void that a cache holds, as [`Tx::void`] does for some keys.
    pub fn void_all<K: CacheKey, V: Clone + Send + Sync + 'static>(&mut self, cache: &Cache<K, V>) {
        let cache = cache.clone();
        self.effects.voids.push(Box::new(move || cache.forget_all()));
    }

    /// Notes that there is something to seal.
    pub(crate) fn audited(&mut self) {
        self.effects.audited = true;
    }

    /// Notes that there is something to deliver.
    pub(crate) fn posted(&mut self) {
        self.effects.posted = true;
    }

    /// The time that all nodes agree on, in microseconds since 1970-01-01T00:00:00Z: that of a database that they share, for what one
    /// writes and another judges. It costs a statement there; [`Tx::at_us`] costs nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn engine_now_us(&mut self) -> Result<i64, StoreError> {
        match self.dialect().clock() {
            Some(clock) => self.one::<(i64,)>(clock, &[]).map(|(now_us,)| now_us),
            None => Ok(self.at_us()),
        }
    }

    /// A fresh id for a row: a UUIDv7 (RFC 9562), greater than all that this process has made before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the system gives no random bytes.
    pub fn fresh_id(&self) -> Result<String, StoreError> {
        id::new(self.at_us())
    }

    /// Why the transaction writes.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Names who acts, for what is recorded from here on: somebody whom the transaction itself has made out, as whoever signs in.
    pub fn acts_as(&mut self, actor: Actor) {
        self.cause.to_mut().actor = actor;
    }

    /// When this run of the transaction began, in microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at_us(&self) -> i64 {
        i64::try_from(self.at.unix_us).unwrap_or(i64::MAX)
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.read
    }
}
