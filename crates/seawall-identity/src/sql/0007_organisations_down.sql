ALTER TABLE api_keys DROP COLUMN organisation_id;
ALTER TABLE sessions DROP COLUMN organisation_id;
DROP TABLE memberships;
DROP TABLE organisations;
