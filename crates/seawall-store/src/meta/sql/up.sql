CREATE TABLE seawall_meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
