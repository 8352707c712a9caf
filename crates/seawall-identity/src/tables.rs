//! The tables of this crate, and what is let go of in them.

use std::time::Duration;

use seawall_store::{
    migration::{Ledger, Migration, Overlap},
    retention::Rule,
};

/// The tables.
pub static LEDGER: Ledger = Ledger {
    name: "identity",
    migrations: &[
        Migration {
            name: "people",
            overlap: Overlap::Expands,
            up: include_str!("sql/0001_people_up.sql"),
            down: include_str!("sql/0001_people_down.sql"),
        },
        Migration {
            name: "imports",
            overlap: Overlap::Expands,
            up: include_str!("sql/0002_imports_up.sql"),
            down: include_str!("sql/0002_imports_down.sql"),
        },
    ],
};

/// How long it is known of a session that it has ended, so that nodes which missed it can find out.
const ENDED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is removed once it has served.
pub static RULES: [Rule; 3] = [
    Rule {
        name: "ended_sessions",
        keep: ENDED,
        sql: "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at < $1 LIMIT $2)",
    },
    Rule {
        name: "expired_sessions",
        keep: ENDED,
        sql: "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "sign_in_attempts",
        keep: Duration::ZERO,
        sql: "DELETE FROM sign_in_attempts WHERE attempt_key IN (SELECT attempt_key FROM sign_in_attempts WHERE ends_at < $1 LIMIT $2)",
    },
];
