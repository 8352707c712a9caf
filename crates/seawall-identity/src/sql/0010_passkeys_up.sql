CREATE TABLE passkeys (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    credential_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    counter BIGINT NOT NULL,
    backup_eligible BOOLEAN NOT NULL,
    backed_up BOOLEAN NOT NULL,
    user_verified BOOLEAN NOT NULL,
    transports TEXT NOT NULL,
    aaguid BLOB NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE passkey_handles (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id),
    handle BLOB NOT NULL UNIQUE
);

CREATE TABLE passkey_challenges_used (
    digest BLOB PRIMARY KEY NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_challenges_used_expiry ON passkey_challenges_used (expires_at);
