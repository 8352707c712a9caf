CREATE TABLE llm_answers (
    place BLOB PRIMARY KEY NOT NULL,
    kept_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX llm_answers_age ON llm_answers (kept_at, size_bytes);
CREATE INDEX llm_answers_expiry ON llm_answers (expires_at);
