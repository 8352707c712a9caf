//! Patterns for LIKE.

/// A pattern that finds `text` as it stands, anywhere. Use it as `lower(column) LIKE $1 ESCAPE '\'`: SQLite has no escape
/// character unless one is named, and ignores the case of ASCII letters where PostgreSQL does not.
#[must_use]
pub fn containing(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A pattern that finds what begins with `text`.
#[must_use]
pub fn beginning(text: &str) -> String {
    format!("{}%", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        if matches!(character, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_of_patterns_stand_for_themselves() {
        assert_eq!(containing(r"50%_\A"), r"%50\%\_\\a%");
        assert_eq!(beginning("Ann"), "ann%");
    }
}
