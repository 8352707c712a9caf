//! The statements that are sent to a foreign database. Names are only ever such as it listed itself, in quotes.

/// A name in quotes (ISO 9075; both engines).
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Where rows come from, as it stands behind FROM, and how columns are written.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// A quoted table, or a SELECT in parentheses.
    pub(super) from: String,
    /// The key as it is compared and ordered by.
    pub(super) key: String,
    /// The key as it is read.
    pub(super) read_key: String,
    /// The parameter, as it is compared with the key.
    pub(super) parameter: String,
    /// The columns as they are read.
    pub(super) columns: Vec<String>,
}

impl Shape {
    /// Rows behind a key, or the first ones. One more than `limit`, so that two rows with one key are seen.
    pub(super) fn page(&self, after: bool, limit: u32) -> String {
        let behind = if after { format!("WHERE {} > {} ", self.key, self.parameter) } else { String::new() };
        format!("{} {behind}ORDER BY {} LIMIT {}", self.select(), self.key, u64::from(limit) + 1)
    }

    /// The row with a key.
    pub(super) fn row(&self) -> String {
        format!("{} WHERE {} = {} LIMIT 1", self.select(), self.key, self.parameter)
    }

    /// Whether there is a row without a key.
    pub(super) fn keyless(&self) -> String {
        format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", self.from, self.key)
    }

    pub(super) fn count(&self) -> String {
        format!("SELECT COUNT(*) FROM {}", self.from)
    }

    fn select(&self) -> String {
        let mut read = vec![self.read_key.clone()];
        read.extend(self.columns.iter().cloned());
        format!("SELECT {} FROM {}", read.join(", "), self.from)
    }
}

/// A SELECT as a table. The line break ends a comment at its end; what is more than one SELECT does not fit in the parentheses.
pub(super) fn nested(select: &str) -> String {
    format!("({}\n) AS source", select.trim().trim_end_matches(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_quotes() {
        assert_eq!(quoted("a\"; DROP TABLE users; --"), "\"a\"\"; DROP TABLE users; --\"");
        assert_eq!(nested("SELECT 1 -- one;"), "(SELECT 1 -- one\n) AS source");
    }
}
