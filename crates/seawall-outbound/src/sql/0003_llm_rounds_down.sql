DROP TABLE llm_rounds;
