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
            name: "api keys",
            overlap: Overlap::Expands,
            up: include_str!("sql/0002_api_keys_up.sql"),
            down: include_str!("sql/0002_api_keys_down.sql"),
        },
        Migration {
            name: "tokens",
            overlap: Overlap::Expands,
            up: include_str!("sql/0003_tokens_up.sql"),
            down: include_str!("sql/0003_tokens_down.sql"),
        },
        Migration {
            name: "factors",
            overlap: Overlap::Expands,
            up: include_str!("sql/0004_factors_up.sql"),
            down: include_str!("sql/0004_factors_down.sql"),
        },
        Migration {
            name: "imports",
            overlap: Overlap::Expands,
            up: include_str!("sql/0005_imports_up.sql"),
            down: include_str!("sql/0005_imports_down.sql"),
        },
        Migration {
            name: "devices",
            overlap: Overlap::Expands,
            up: include_str!("sql/0006_devices_up.sql"),
            down: include_str!("sql/0006_devices_down.sql"),
        },
        Migration {
            name: "organisations",
            overlap: Overlap::Expands,
            up: include_str!("sql/0007_organisations_up.sql"),
            down: include_str!("sql/0007_organisations_down.sql"),
        },
        Migration {
            name: "mail",
            overlap: Overlap::Expands,
            up: include_str!("sql/0008_mail_up.sql"),
            down: include_str!("sql/0008_mail_down.sql"),
        },
        Migration {
            name: "issuers",
            overlap: Overlap::Expands,
            up: include_str!("sql/0009_issuers_up.sql"),
            down: include_str!("sql/0009_issuers_down.sql"),
        },
        Migration {
            name: "passkeys",
            overlap: Overlap::Expands,
            up: include_str!("sql/0010_passkeys_up.sql"),
            down: include_str!("sql/0010_passkeys_down.sql"),
        },
    ],
};

/// How long it is known of a session that it has ended, so that nodes which missed it can find out.
const ENDED: Duration = Duration::from_secs(24 * 60 * 60);

/// How long keys that have ended are shown, and told apart from unknown ones.
const ENDED_KEYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is removed once it has served.
pub static RULES: [Rule; 16] = [
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
        name: "revoked_api_keys",
        keep: ENDED_KEYS,
        sql: "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE revoked_at < $1 LIMIT $2)",
    },
    Rule {
        name: "expired_api_keys",
        keep: ENDED_KEYS,
        sql: "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE expires_at < $1 LIMIT $2)",
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
    Rule {
        name: "revoked_devices",
        keep: ENDED_KEYS,
        sql: "DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE revoked_at < $1 LIMIT $2)",
    },
    Rule {
        name: "device_codes",
        keep: Duration::ZERO,
        sql: "DELETE FROM device_codes WHERE code_digest IN (SELECT code_digest FROM device_codes WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "ended_app_sessions",
        keep: ENDED_KEYS,
        sql: "DELETE FROM app_sessions WHERE id IN (SELECT id FROM app_sessions WHERE ended_at < $1 LIMIT $2)",
    },
    Rule {
        name: "app_session_tokens",
        keep: Duration::ZERO,
        sql: "DELETE FROM app_session_tokens WHERE digest IN (SELECT digest FROM app_session_tokens WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "issuer_tokens_used",
        keep: Duration::ZERO,
        sql: "DELETE FROM issuer_tokens_used WHERE digest IN (SELECT digest FROM issuer_tokens_used WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "passkey_challenges_used",
        keep: Duration::ZERO,
        sql: "DELETE FROM passkey_challenges_used WHERE digest IN (SELECT digest FROM passkey_challenges_used WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        name: "email_changes",
        keep: Duration::ZERO,
        sql: "DELETE FROM email_changes WHERE user_id IN (SELECT user_id FROM email_changes WHERE expires_at < $1 LIMIT $2)",
    },
];
