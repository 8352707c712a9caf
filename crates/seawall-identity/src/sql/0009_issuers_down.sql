DROP TABLE issuer_tokens_used;
DROP TABLE external_identities;
