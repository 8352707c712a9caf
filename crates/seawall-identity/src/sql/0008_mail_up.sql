ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
UPDATE users SET email_key = lower(email) WHERE email IS NOT NULL;
CREATE INDEX users_email ON users (email_key) WHERE email_key IS NOT NULL;

CREATE TABLE email_changes (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id),
    email TEXT NOT NULL,
    digest BLOB UNIQUE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX email_changes_expiry ON email_changes (expires_at);
