//! The name that somebody may have meant.

/// More edits than that make another name.
const MOST_EDITS: usize = 3;

/// Names that are listed in a message.
const MOST_LISTED: usize = 40;

/// The known name that is nearest to one, when one is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let close = known.into_iter().map(|candidate| (edits(&wanted, &candidate.to_lowercase()), candidate));
    let found = close.min_by_key(|(distance, _)| *distance)?;
    (found.0 <= MOST_EDITS.min(wanted.chars().count() / 2)).then_some(found.1)
}

/// Names in a message, a bounded number of them.
pub(super) fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names.iter().take(MOST_LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_LISTED {
        text.push_str(&format!(" and {} more", names.len() - MOST_LISTED));
    }
    text
}

/// How many letters have to be changed, added or left out (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(256).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().take(256).enumerate() {
        let mut above_left = line;
        let mut left = line + 1;
        for (cell, &facing) in row.iter_mut().skip(1).zip(&other) {
            let least = (above_left + usize::from(letter != facing)).min(left + 1).min(*cell + 1);
            above_left = *cell;
            *cell = least;
            left = least;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let known = ["email", "password_hash", "username"];
        assert_eq!(nearest("emial", known), Some("email"));
        assert_eq!(nearest("PasswordHash", known), Some("password_hash"));
        assert_eq!(nearest("usrname", known), Some("username"));
        assert_eq!(nearest("created_at", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
