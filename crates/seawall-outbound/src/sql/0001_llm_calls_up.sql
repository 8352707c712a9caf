CREATE TABLE llm_calls (
    id TEXT PRIMARY KEY NOT NULL,
    made_at BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    user_id TEXT,
    project TEXT,
    conversation TEXT,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    operation TEXT NOT NULL,
    streamed BOOLEAN NOT NULL,
    outcome TEXT NOT NULL,
    status BIGINT NOT NULL,
    error TEXT,
    attempts BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_read_tokens BIGINT NOT NULL,
    cached_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    images BIGINT NOT NULL,
    estimated BOOLEAN NOT NULL,
    cost_nanos BIGINT NOT NULL,
    price_known BOOLEAN NOT NULL,
    duration_us BIGINT NOT NULL,
    first_token_us BIGINT
);
CREATE INDEX llm_calls_made ON llm_calls (made_at, id);
CREATE INDEX llm_calls_user ON llm_calls (user_id, made_at) WHERE user_id IS NOT NULL;
CREATE INDEX llm_calls_project ON llm_calls (project, made_at) WHERE project IS NOT NULL;
