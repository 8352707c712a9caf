CREATE TABLE idempotency_lives (
    life BLOB PRIMARY KEY NOT NULL,
    alive_until BIGINT NOT NULL
);
CREATE TABLE idempotency_keys (
    place BLOB PRIMARY KEY NOT NULL,
    proof BLOB NOT NULL,
    caller BLOB NOT NULL,
    state BIGINT NOT NULL,
    life BLOB NOT NULL,
    serial BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    size BIGINT NOT NULL DEFAULT 0,
    answer BLOB
);
CREATE INDEX idempotency_keys_caller ON idempotency_keys (caller, size);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_lives_expiry ON idempotency_lives (alive_until);
