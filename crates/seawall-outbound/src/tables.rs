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
        Migration {
            name: "rounds of conversations with language models",
            overlap: Overlap::Expands,
            up: include_str!("sql/0003_llm_rounds_up.sql"),
            down: include_str!("sql/0003_llm_rounds_down.sql"),
        },
        Migration {
            name: "answers of language models",
            overlap: Overlap::Expands,
            up: include_str!("sql/0004_llm_answers_up.sql"),
            down: include_str!("sql/0004_llm_answers_down.sql"),
        },
        Migration {
            name: "blocks of budgets",
            overlap: Overlap::Expands,
            up: include_str!("sql/0005_llm_blocks_up.sql"),
            down: include_str!("sql/0005_llm_blocks_down.sql"),
        },
        Migration {
            name: "routes of calls of language models",
            overlap: Overlap::Expands,
            up: include_str!("sql/0006_llm_calls_route_up.sql"),
            down: include_str!("sql/0006_llm_calls_route_down.sql"),
        },
    ],
};

/// Rows of calls, let go of at once; the configuration says how long they are kept.
pub(crate) const CALLS: Rule = Rule {
    name: "llm_calls",
    keep: Duration::ZERO,
    sql: "DELETE FROM llm_calls WHERE id IN (SELECT id FROM llm_calls WHERE made_at < $1 ORDER BY made_at LIMIT $2)",
};

/// What is let go of after a time that nobody configures: rounds of conversations, three months after the last; and budgets, as long after
/// their period.
pub static RULES: [Rule; 2] = [ROUNDS, BUDGETS];

// When a period ends is written down as a moment, so no time zone is asked for. Three months more keep a node whose clock is wrong, or a budget
// whose time zone was changed, from a running period without its row, which would begin anew.
const BUDGETS: Rule = Rule {
    name: "llm_budgets",
    keep: Duration::from_secs(90 * 24 * 60 * 60),
    sql: "DELETE FROM llm_budgets WHERE (budget, subject, period) IN \
        (SELECT budget, subject, period FROM llm_budgets WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
};

const ROUNDS: Rule = Rule {
    name: "llm_rounds",
    keep: Duration::from_secs(90 * 24 * 60 * 60),
    sql: "DELETE FROM llm_rounds WHERE (caller, user_id, route, conversation) IN \
        (SELECT caller, user_id, route, conversation FROM llm_rounds WHERE used_at < $1 ORDER BY used_at LIMIT $2)",
};

/// Answers, let go of once they are given no more.
pub static ANSWERS: Rule = Rule {
    name: "llm_answers",
    keep: Duration::ZERO,
    sql: "DELETE FROM llm_answers WHERE place IN (SELECT place FROM llm_answers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
};
