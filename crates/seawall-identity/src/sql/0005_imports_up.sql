CREATE TABLE imports (
    id TEXT PRIMARY KEY NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    position TEXT NOT NULL DEFAULT '',
    run BIGINT NOT NULL DEFAULT 1,
    seen BIGINT NOT NULL DEFAULT 0,
    added BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    rejected BIGINT NOT NULL DEFAULT 0,
    without_password BIGINT NOT NULL DEFAULT 0,
    formats TEXT NOT NULL DEFAULT '[]',
    begun_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE TABLE import_rejects (
    import_id TEXT NOT NULL REFERENCES imports (id),
    number BIGINT NOT NULL,
    position TEXT NOT NULL,
    place TEXT NOT NULL,
    field TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);

CREATE TABLE foreign_ids (
    import_id TEXT NOT NULL REFERENCES imports (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    foreign_id TEXT,
    run BIGINT NOT NULL,
    PRIMARY KEY (import_id, user_id)
);
CREATE UNIQUE INDEX foreign_ids_foreign ON foreign_ids (import_id, foreign_id) WHERE foreign_id IS NOT NULL;
CREATE INDEX foreign_ids_user ON foreign_ids (user_id);

CREATE TABLE password_examples (
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    users BIGINT NOT NULL,
    PRIMARY KEY (kind, user_id)
);
