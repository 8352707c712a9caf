DROP TABLE passkey_challenges_used;
DROP TABLE passkey_handles;
DROP TABLE passkeys;
