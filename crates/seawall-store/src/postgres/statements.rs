//! The prepared statements of one connection.

use std::collections::{HashMap, VecDeque};

use tokio_postgres::Statement;

/// How many are kept; the server holds a plan for each.
const MOST: usize = 256;

/// Prepared statements by their text; the one that was prepared first goes first.
#[derive(Debug, Default)]
pub(super) struct Statements {
    prepared: HashMap<&'static str, Statement>,
    order: VecDeque<&'static str>,
}

impl Statements {
    /// The one of this text.
    pub(super) fn get(&self, sql: &'static str) -> Option<Statement> {
        self.prepared.get(sql).cloned()
    }

    /// Keeps one.
    pub(super) fn keep(&mut self, sql: &'static str, statement: Statement) {
        if self.order.len() >= MOST
            && let Some(first) = self.order.pop_front()
        {
            self.prepared.remove(first);
        }
        self.prepared.insert(sql, statement);
        self.order.push_back(sql);
    }

    /// Forgets all: the tables have changed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
