//! The pairs of a query or a form.

use std::borrow::Cow;

use seawall_core::http::percent::decoded;

/// A name and a value.
pub(super) type Pair<'t> = (Cow<'t, str>, Cow<'t, str>);

/// The pairs of a text, as they were written and, unless that is broken, as they were meant. Empty ones are none.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, Option<Pair<'_>>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while let Some(skipped) = rest.strip_prefix('&') {
            rest = skipped;
        }
        if rest.is_empty() {
            return None;
        }
        // One look at each byte finds where the pair ends, where its value begins, and whether anything has to be decoded.
        let (mut end, mut value, mut coded) = (0, None, false);
        while let Some(byte) = rest.as_bytes().get(end) {
            match byte {
                b'&' => break,
                b'=' if value.is_none() => value = Some(end),
                b'%' | b'+' => coded = true,
                _ => {}
            }
            end += 1;
        }
        let (pair, behind) = rest.split_at(end);
        rest = behind;
        let (name, value) = match value {
            Some(place) => (pair.get(..place)?, pair.get(place + 1..)?),
            None => (pair, ""),
        };
        let meant =
            if coded { decoded(name, true).zip(decoded(value, true)) } else { Some((name.into(), value.into())) };
        Some((pair, meant))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, Option<(String, String)>)> {
        pairs(text)
            .map(|(pair, meant)| (pair, meant.map(|(name, value)| (name.into_owned(), value.into_owned()))))
            .collect()
    }

    #[test]
    fn pairs_are_cut_at_their_signs_and_decoded_behind_them() {
        let meant = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(
            read("&&days=30&a=b=c&flag&=x&caf%C3%A9=a+b%26c&&e=%&"),
            [
                ("days=30", meant("days", "30")),
                ("a=b=c", meant("a", "b=c")),
                ("flag", meant("flag", "")),
                ("=x", meant("", "x")),
                ("caf%C3%A9=a+b%26c", meant("café", "a b&c")),
                ("e=%", None),
            ]
        );
        assert!(read("").is_empty() && read("&&").is_empty());
    }
}
