ALTER TABLE llm_calls DROP COLUMN route;
