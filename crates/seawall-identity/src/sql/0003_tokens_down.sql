DROP TABLE token_families;
DROP TABLE signing_keys;
