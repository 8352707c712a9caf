CREATE TABLE audit_deliveries (
    destination TEXT PRIMARY KEY NOT NULL,
    delivered_seq BIGINT NOT NULL,
    delivered_at BIGINT,
    holder TEXT NOT NULL DEFAULT '',
    held_until BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    failure TEXT
);
