ALTER TABLE users ADD COLUMN deleted_at BIGINT;
ALTER TABLE sessions ADD COLUMN second_factor BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE sign_in_accounts (
    account_key BLOB PRIMARY KEY NOT NULL,
    failures BIGINT NOT NULL,
    heard_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sign_in_accounts_end ON sign_in_accounts (ends_at);

CREATE TABLE sign_in_sprays (
    spray_key BLOB PRIMARY KEY NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sign_in_sprays_end ON sign_in_sprays (ends_at);

CREATE TABLE totp_factors (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id),
    key_id TEXT NOT NULL,
    sealed_seed BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    digest BLOB PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id)
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

CREATE TABLE sign_in_tickets (
    digest BLOB PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    user_version BIGINT NOT NULL,
    source_key BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_tickets_user ON sign_in_tickets (user_id);
CREATE INDEX sign_in_tickets_expiry ON sign_in_tickets (expires_at);

CREATE TABLE password_resets (
    digest BLOB PRIMARY KEY NOT NULL,
    user_id TEXT REFERENCES users (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX password_resets_user ON password_resets (user_id);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);
