//! The tables of this crate.

use std::time::Duration;

use seawall_store::{
    migration::{Ledger, Migration, Overlap},
    retention::Rule,
};

/// The tables.
pub static LEDGER: Ledger = Ledger {
    name: "outbound",
    migrations: &[
        Migration {
            name: "calls of language models",
            overlap: Overlap::Expands,
            up: include_str!("sql/0001_llm_calls_up.sql"),
            down: include_str!("sql/0001_llm_calls_down.sql"),
        },
        Migration {
            name: "budgets of language models",
            overlap: Overlap::Expands,
            up: include_str!("sql/0002_llm_budgets_up.sql"),
            down: include_str!("sql/0002_llm_budgets_down.sql"),
        },
    ],
};

/// Rows of calls, let go of at once; the configuration says how long they are kept.
pub(crate) const CALLS: Rule = Rule {
    name: "llm_calls",
    keep: Duration::ZERO,
    sql: "DELETE FROM llm_calls WHERE id IN (SELECT id FROM llm_calls WHERE made_at < $1 ORDER BY made_at LIMIT $2)",
};
