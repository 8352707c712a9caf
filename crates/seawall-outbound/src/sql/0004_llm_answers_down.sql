DROP TABLE llm_answers;
