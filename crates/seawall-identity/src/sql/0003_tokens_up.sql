CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    public_key BLOB NOT NULL,
    sealed_key BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    signs_at BIGINT NOT NULL
);

CREATE TABLE token_families (
    session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    counter BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    window_counter BIGINT NOT NULL,
    window_at BIGINT NOT NULL
);
