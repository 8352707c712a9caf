CREATE TABLE devices (
    id TEXT PRIMARY KEY NOT NULL,
    secret_digest BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    organisation_id TEXT,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    paired_from TEXT NOT NULL,
    used_at BIGINT,
    used_from TEXT,
    revoked_at BIGINT
);
CREATE INDEX devices_user ON devices (user_id, created_at);
CREATE INDEX devices_created ON devices (created_at, id);
CREATE INDEX devices_revoked ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE device_codes (
    code_digest BLOB PRIMARY KEY NOT NULL,
    secret_digest BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    polled_at BIGINT NOT NULL,
    interval_us BIGINT NOT NULL,
    user_id TEXT REFERENCES users (id),
    organisation_id TEXT
);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);
CREATE INDEX device_codes_address ON device_codes (address);

CREATE TABLE app_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX app_sessions_user ON app_sessions (user_id, id);
CREATE INDEX app_sessions_ended ON app_sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE app_session_members (
    session_id TEXT NOT NULL REFERENCES app_sessions (id) ON DELETE CASCADE,
    principal_id TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, principal_id)
);
CREATE INDEX app_session_members_principal ON app_session_members (principal_id, session_id);

CREATE TABLE app_session_tokens (
    digest BLOB PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL REFERENCES app_sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX app_session_tokens_session ON app_session_tokens (session_id);
CREATE INDEX app_session_tokens_expiry ON app_session_tokens (expires_at);
