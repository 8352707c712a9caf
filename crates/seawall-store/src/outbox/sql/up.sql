CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    topic TEXT NOT NULL,
    message_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    request_id TEXT,
    made_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    dead BOOLEAN NOT NULL DEFAULT FALSE,
    failure TEXT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE NOT dead;
CREATE INDEX outbox_order ON outbox (topic, message_key, id) WHERE NOT dead;
CREATE INDEX outbox_dead ON outbox (topic, id) WHERE dead;
