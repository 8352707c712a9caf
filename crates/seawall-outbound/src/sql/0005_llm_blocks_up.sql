CREATE TABLE llm_holders (
    id TEXT PRIMARY KEY NOT NULL,
    leased_until BIGINT NOT NULL
);
CREATE TABLE llm_blocks (
    id TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    budget TEXT NOT NULL,
    subject TEXT NOT NULL,
    period TEXT NOT NULL,
    charged_nanos BIGINT NOT NULL,
    marked_nanos BIGINT NOT NULL
);
CREATE INDEX llm_blocks_holder ON llm_blocks (holder, id);
