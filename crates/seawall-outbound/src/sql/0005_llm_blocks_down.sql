DROP TABLE llm_blocks;
DROP TABLE llm_holders;
