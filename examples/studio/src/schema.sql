CREATE TABLE IF NOT EXISTS projects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    description TEXT NOT NULL,
    feasibility TEXT,
    refined INTEGER NOT NULL DEFAULT 0,
    specification TEXT,
    failure TEXT
);
CREATE INDEX IF NOT EXISTS projects_owner ON projects (owner, number);
CREATE TABLE IF NOT EXISTS rounds (
    project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    question TEXT NOT NULL,
    answer TEXT,
    last INTEGER NOT NULL,
    PRIMARY KEY (project, number)
);
CREATE TABLE IF NOT EXISTS blueprints (
    project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    view TEXT NOT NULL,
    picture BLOB,
    failure TEXT,
    PRIMARY KEY (project, view)
);
