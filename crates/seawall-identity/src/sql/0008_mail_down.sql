DROP TABLE email_changes;
DROP INDEX users_email;
ALTER TABLE users DROP COLUMN email_verified_at;
ALTER TABLE users DROP COLUMN email_key;
