DROP TABLE idempotency_keys;
DROP TABLE idempotency_lives;
