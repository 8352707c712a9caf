//! Statements on a connection to PostgreSQL.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt, future::try_join_all};
use tokio::runtime::Runtime;
use tokio_postgres::{SimpleQueryMessage, Statement};

use super::{
    connection::{Connection, Patience},
    fault::Fault,
    value::{Bound, PostgresCells},
};
use crate::{
    Parameters, Row, StoreError,
    dialect::Dialect,
    session::{Each, Savepoint, Session},
    watch::Watch,
    work::Intent,
};

/// How long a statement waits for a lock that another transaction holds, in milliseconds.
const LOCK_MS: u64 = 2_000;

/// How much longer than the server itself the client waits, as the server's own limit leaves the connection intact.
const COURTESY: Duration = Duration::from_millis(200);

/// How long a server that was asked to stop may take to do so. With the above, and with a rollback, a transaction is answered
/// within its limit and a second.
const STOPPING: Duration = Duration::from_millis(300);
const ROLLBACK: Duration = Duration::from_millis(400);

/// How long a rollback may take besides, when there is time: rows that nobody wants any more come before it.
const DRAIN: Duration = Duration::from_secs(1);

/// Rows that are taken from the connection at once, when so many are there.
const ROWS: usize = 64;

/// The key of the lock for migrations: `seawall` in ASCII.
const MIGRATIONS: i64 = 0x73_65_61_77_61_6c_6c;

/// Why running the transaction again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Others changed the same rows.
    Contended,
    /// Statements have to be prepared anew.
    Stale,
    /// The connection broke; nothing was kept.
    Lost,
}

/// A connection inside a transaction.
#[derive(Debug)]
pub(super) struct PostgresSession<'a> {
    runtime: &'a Runtime,
    connection: &'a mut Connection,
    watch: &'a Watch,
    limit: Limit,
    again: Option<Again>,
}

/// What bounds one run of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// What the transaction may take, in microseconds.
    pub(super) limit_us: u64,
    /// When it must have ended, as monotonic microseconds.
    pub(super) deadline_us: u64,
    /// Which run it is, from 1.
    pub(super) run: u32,
}

impl<'a> PostgresSession<'a> {
    /// A session that has to end in time.
    pub(super) const fn new(
        runtime: &'a Runtime,
        connection: &'a mut Connection,
        watch: &'a Watch,
        limit: Limit,
    ) -> Self {
        Self { runtime, connection, watch, limit, again: None }
    }

    /// Opens the transaction with its limits, in one round trip. They hold for this transaction alone, so that they pass through a
    /// pooler that gives each transaction another connection.
    pub(super) fn begin(&mut self, intent: Intent) -> Result<(), StoreError> {
        let left_ms = self.left().as_millis().max(1);
        let lock_ms = left_ms.min(u128::from(LOCK_MS));
        // The server lets go of the rows of a transaction that is not ended: this program hangs, or is gone without a trace.
        let idle_ms = left_ms + 1_000;
        let begin = match intent {
            Intent::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            Intent::Write => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
        };
        self.script(&format!(
            "{begin}; SET LOCAL statement_timeout = {left_ms}; SET LOCAL lock_timeout = {lock_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = {idle_ms}"
        ))
    }

    /// Commits. Until the server has answered nobody knows whether it did, so it is not asked when the time is over already.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let patience = self.in_time()?;
        match self.connection.wait(self.runtime, patience, self.connection.client.batch_execute("COMMIT")) {
            Ok(()) => Ok(()),
            Err(Fault::Lost(why)) => Err(StoreError::OutcomeUnknown(why)),
            Err(Fault::Silent) => Err(StoreError::OutcomeUnknown("the server did not answer in time".to_owned())),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// Undoes everything; a connection that cannot do so is lost.
    pub(super) fn roll_back(&mut self) {
        if !self.connection.lost() {
            let patience = Patience { answer: self.left().min(DRAIN) + ROLLBACK, stopping: Duration::ZERO };
            let rolled_back =
                self.connection.wait(self.runtime, patience, self.connection.client.batch_execute("ROLLBACK"));
            if let Err(fault) = rolled_back {
                tracing::debug!(?fault, "a connection could not be rolled back and is given up");
                self.connection.give_up();
            }
        }
    }

    /// Why running the transaction again may help, if it may.
    pub(super) const fn again(&self) -> Option<Again> {
        self.again
    }

    fn left(&self) -> Duration {
        Duration::from_micros(self.limit.deadline_us.saturating_sub(self.watch.now().monotonic_us))
    }

    fn patience(&self) -> Patience {
        Patience { answer: self.left() + COURTESY, stopping: STOPPING }
    }

    /// How long the next statement is waited for; refused when the time is over.
    fn in_time(&self) -> Result<Patience, StoreError> {
        if self.left().is_zero() { Err(self.timed_out()) } else { Ok(self.patience()) }
    }

    const fn timed_out(&self) -> StoreError {
        StoreError::TimedOut { limit_ms: self.limit.limit_us / 1_000 }
    }

    /// What the closure is told of a fault; notes whether another run may help.
    fn failed(&mut self, fault: Fault) -> StoreError {
        match fault {
            Fault::Store(failure) => failure,
            Fault::TimedOut | Fault::Silent => self.timed_out(),
            Fault::Locked => StoreError::TimedOut { limit_ms: LOCK_MS.min(self.limit.limit_us / 1_000) },
            Fault::Contended => {
                self.again = Some(Again::Contended);
                StoreError::Contended { attempts: self.limit.run }
            }
            Fault::Stale => {
                self.again = Some(Again::Stale);
                self.connection.statements.clear();
                StoreError::Unavailable("the tables have changed".to_owned())
            }
            Fault::Lost(why) => {
                self.again = Some(Again::Lost);
                StoreError::Unavailable(why)
            }
        }
    }

    fn prepared(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<Statement, StoreError> {
        let statement = match self.connection.statements.get(sql) {
            Some(statement) => statement,
            None => {
                let patience = self.in_time()?;
                let prepared = self.connection.wait(self.runtime, patience, self.connection.client.prepare(sql));
                let statement = prepared.map_err(|fault| self.failed(fault))?;
                self.connection.statements.keep(sql, statement.clone());
                statement
            }
        };
        let wanted = statement.params().len();
        if wanted != parameters.len() {
            let what = format!("`{sql}` wants {wanted} parameters, and {} were given", parameters.len());
            return Err(StoreError::Statement(what));
        }
        Ok(statement)
    }
}

impl Session for PostgresSession<'_> {
    fn execute(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<u64, StoreError> {
        let statement = self.prepared(sql, parameters)?;
        if !statement.columns().is_empty() {
            return Err(StoreError::Statement(format!("`{sql}` answers rows; query it")));
        }
        let patience = self.in_time()?;
        let client = &self.connection.client;
        let executed = self.connection.wait(self.runtime, patience, client.execute_raw(&statement, bound(parameters)));
        executed.map_err(|fault| self.failed(fault))
    }

    fn execute_each(&mut self, sql: &'static str, rows: &[Parameters<'_>]) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let statement = self.prepared(sql, first)?;
        let patience = self.in_time()?;
        let client = &self.connection.client;
        let each = rows.iter().map(|parameters| client.execute_raw(&statement, bound(parameters)));
        let executed = self.connection.wait(self.runtime, patience, try_join_all(each));
        executed.map(drop).map_err(|fault| self.failed(fault))
    }

    fn query(&mut self, sql: &'static str, parameters: Parameters<'_>, each: Each<'_>) -> Result<(), StoreError> {
        let statement = self.prepared(sql, parameters)?;
        let patience = self.in_time()?;
        let client = &self.connection.client;
        let begun = self.connection.wait(self.runtime, patience, client.query_raw(&statement, bound(parameters)));
        let rows = begun.map_err(|fault| self.failed(fault))?;
        let mut chunks = pin!(rows.ready_chunks(ROWS));
        loop {
            let patience = self.patience();
            let next = async { Ok(chunks.next().await) };
            // The closure looks at rows between two waits: what it does is no part of them.
            let chunk = self.connection.wait(self.runtime, patience, next).map_err(|fault| self.failed(fault))?;
            let Some(chunk) = chunk else { return Ok(()) };
            for row in chunk {
                let row = row.map_err(|error| {
                    let fault = Fault::from(error);
                    self.connection.note(&fault);
                    self.failed(fault)
                })?;
                each(&Row::new(&PostgresCells(&row)))?;
            }
            // The server may have sent all and not be bound by its own limit any more.
            self.in_time()?;
        }
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let patience = self.in_time()?;
        let done = self.connection.wait(self.runtime, patience, self.connection.client.batch_execute(sql));
        done.map_err(|fault| self.failed(fault))
    }

    fn any(&mut self, sql: &str) -> Result<bool, StoreError> {
        let patience = self.in_time()?;
        let answered = self.connection.wait(self.runtime, patience, self.connection.client.simple_query(sql));
        let messages = answered.map_err(|fault| self.failed(fault))?;
        Ok(messages.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))))
    }

    fn lock_migrations(&mut self) -> Result<(), StoreError> {
        // Whoever holds it may be changing large tables, so only the transaction's own limit counts.
        let lock_ms = self.left().as_millis().clamp(1, u128::from(LOCK_MS));
        self.script(&format!(
            "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({MIGRATIONS}); SET LOCAL lock_timeout = {lock_ms}"
        ))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn savepoint(&mut self, step: Savepoint) -> Result<(), StoreError> {
        // Savepoints of one name nest: the name means the innermost.
        match step {
            Savepoint::Set => self.script("SAVEPOINT part"),
            Savepoint::Release => self.script("RELEASE part"),
            Savepoint::Undo => {
                self.script("ROLLBACK TO part; RELEASE part")?;
                // What failed has been undone, so it is no reason any more.
                self.again = None;
                Ok(())
            }
        }
    }
}

fn bound<'a>(parameters: Parameters<'a>) -> impl ExactSizeIterator<Item = Bound<'a>> {
    parameters.iter().enumerate().map(|(place, parameter)| Bound { number: place + 1, value: parameter.to_value() })
}
