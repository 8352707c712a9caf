CREATE TABLE llm_rounds (
    caller TEXT NOT NULL,
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    conversation TEXT NOT NULL,
    taken BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (caller, user_id, route, conversation)
);
CREATE INDEX llm_rounds_used ON llm_rounds (used_at);
