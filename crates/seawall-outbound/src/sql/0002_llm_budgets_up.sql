CREATE TABLE llm_budgets (
    budget TEXT NOT NULL,
    subject TEXT NOT NULL,
    period TEXT NOT NULL,
    charged_nanos BIGINT NOT NULL,
    told_percent BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (budget, subject, period)
);
CREATE INDEX llm_budgets_end ON llm_budgets (ends_at);
