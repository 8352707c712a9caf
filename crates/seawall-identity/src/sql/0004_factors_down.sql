DROP TABLE password_resets;
DROP TABLE sign_in_tickets;
DROP TABLE recovery_codes;
DROP TABLE totp_factors;
DROP TABLE sign_in_sprays;
DROP TABLE sign_in_accounts;
ALTER TABLE sessions DROP COLUMN second_factor;
ALTER TABLE users DROP COLUMN deleted_at;
