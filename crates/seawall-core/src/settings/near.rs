//! The known name that a misspelt one most likely meant.

/// Longest name worth comparing; a longer one is no slip of the finger.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, when it is near enough to be what was meant. Case and `-` for `_` do not count as
/// differences.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = folded(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &folded(candidate)), candidate))
        .filter(|&(distance, candidate)| distance <= allowed(word.len().max(candidate.len())))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// One slip in a short word, up to three in a long one.
fn allowed(length: usize) -> usize {
    (length / 3).clamp(1, 3)
}

fn folded(word: &str) -> String {
    word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["upstream", "rate_limit", "url", "body", "limits"];
        for (word, expect) in [
            ("upstraem", Some("upstream")),
            ("RateLimit", Some("rate_limit")),
            ("rate-limit", Some("rate_limit")),
            ("urls", Some("url")),
            ("limit", Some("limits")),
            ("database", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expect, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}
