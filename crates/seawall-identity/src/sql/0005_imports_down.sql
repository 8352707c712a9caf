DROP TABLE password_examples;
DROP TABLE foreign_ids;
DROP TABLE import_rejects;
DROP TABLE imports;
