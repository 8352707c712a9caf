//! Where the engines' words differ. Statements are written once; only definitions of tables need translating.
//!
//! A definition is written in PostgreSQL's words, but for `BLOB`. What only one engine needs stands between lines `-- sqlite:` or
//! `-- postgres:` and the next `-- both:`, and is taken as it is.

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// A script of definitions in this engine's words.
    pub(crate) fn translate(self, script: &str) -> String {
        let mut translated = String::with_capacity(script.len() + 64);
        let mut part = Part::Both;
        for line in script.lines() {
            match line.trim() {
                "-- sqlite:" => part = Part::Only(Self::Sqlite),
                "-- postgres:" => part = Part::Only(Self::Postgres),
                "-- both:" => part = Part::Both,
                _ => {
                    match part {
                        Part::Both => self.translate_line(line, &mut translated),
                        Part::Only(dialect) if dialect == self => translated.push_str(line),
                        Part::Only(_) => continue,
                    }
                    translated.push('\n');
                }
            }
        }
        translated
    }

    /// The statement that asks for the time of the engine's own clock, in microseconds since 1970-01-01T00:00:00Z. A file belongs to
    /// one process, whose clock is then the only one.
    pub(crate) const fn clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"),
        }
    }

    /// Replaces the names of types, in a line without text in quotes.
    fn translate_line(self, line: &str, into: &mut String) {
        let code = line.split("--").next().unwrap_or_default();
        let mut rest = code;
        while let Some(begin) = rest.find(|c: char| c.is_ascii_alphabetic()) {
            let (before, from_word) = rest.split_at(begin);
            let end = from_word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from_word.len());
            let (word, after) = from_word.split_at(end);
            into.push_str(before);
            into.push_str(self.word(word));
            rest = after;
        }
        // A table's definition ends in a line of its own.
        let closes_table = rest.trim_end() == ");" && code.trim() == ");";
        into.push_str(if closes_table && self == Self::Sqlite { ") STRICT;" } else { rest });
    }

    fn word(self, word: &str) -> &str {
        match (self, word) {
            (Self::Sqlite, "BIGINT" | "BOOLEAN") => "INTEGER",
            (Self::Sqlite, "DOUBLE") => "REAL",
            (Self::Postgres, "DOUBLE") => "DOUBLE PRECISION",
            (Self::Postgres, "BLOB") => "BYTEA",
            // Bytes in order, as SQLite compares them, so that pages follow one another alike.
            (Self::Postgres, "TEXT") => "TEXT COLLATE \"C\"",
            (_, word) => word,
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Both,
    Only(Dialect),
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
CREATE TABLE things (
    id TEXT PRIMARY KEY NOT NULL, -- a TEXT
    at BIGINT NOT NULL,
    seen BOOLEAN NOT NULL DEFAULT FALSE,
    hash BLOB
);
-- sqlite:
CREATE TRIGGER a;
-- postgres:
CREATE FUNCTION b;
-- both:
CREATE INDEX things_at ON things (at);
";

    #[test]
    fn sqlite_tables_are_strict() {
        assert_eq!(
            Dialect::Sqlite.translate(SCRIPT),
            "\
CREATE TABLE things (
    id TEXT PRIMARY KEY NOT NULL, \n    at INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT FALSE,
    hash BLOB
) STRICT;
CREATE TRIGGER a;
CREATE INDEX things_at ON things (at);
"
        );
    }

    #[test]
    fn postgres_text_is_compared_by_bytes() {
        let translated = Dialect::Postgres.translate(SCRIPT);
        assert!(translated.contains("id TEXT COLLATE \"C\" PRIMARY KEY"), "{translated}");
        assert!(translated.contains("hash BYTEA\n);"), "{translated}");
        assert!(translated.contains("CREATE FUNCTION b;") && !translated.contains("TRIGGER"), "{translated}");
    }
}
