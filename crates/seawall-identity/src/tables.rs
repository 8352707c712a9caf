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
            name: "factors",
            overlap: Overlap::Expands,
            up: include_str!("sql/0002_factors_up.sql"),
            down: include_str!("sql/0002_factors_down.sql"),
        },
    ],
};

/// How long it is known of a session that it has ended, so that nodes which missed it can find out.
const ENDED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is removed once it has served.
pub static RULES: [Rule; 7] = [
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
    Rule {
        name: "sign_in_accounts",
        keep: Duration::ZERO,
        sql: "DELETE FROM sign_in_accounts WHERE account_key IN (SELECT account_key FROM sign_in_accounts WHERE ends_at < $1 LIMIT $2)",
    },
    Rule {
        name: "sign_in_sprays",
        keep: Duration::ZERO,
        sql: "DELETE FROM sign_in_sprays WHERE spray_key IN (SELECT spray_key FROM sign_in_sprays WHERE ends_at < $1 LIMIT $2)",
    },
    Rule {
        name: "sign_in_tickets",
        keep: Duration::ZERO,
        sql: "DELETE FROM sign_in_tickets WHERE digest IN (SELECT digest FROM sign_in_tickets WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "password_resets",
        keep: Duration::ZERO,
        sql: "DELETE FROM password_resets WHERE digest IN (SELECT digest FROM password_resets WHERE expires_at < $1 LIMIT $2)",
    },
];
