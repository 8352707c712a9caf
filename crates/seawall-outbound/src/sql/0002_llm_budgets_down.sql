DROP TABLE llm_budgets;
