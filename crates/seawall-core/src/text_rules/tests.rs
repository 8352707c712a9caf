//! What passes the rules and what does not.

use proptest::prelude::*;

use super::*;

fn kind(rule: Rule, text: &str) -> Option<(FaultKind, usize)> {
    rule.check(text).err().map(|fault| (fault.kind, fault.at))
}

#[test]
fn wk_1_ids_are_of_few_characters() {
    for id in ["a", "usr_01H.x-9~b", "urn:x:1", &"x".repeat(128)] {
        assert_eq!(kind(Rule::Id, id), None, "{id}");
    }
    for (text, kind_of, at) in [
        ("", FaultKind::Empty, 1),
        ("a b", FaultKind::Unlisted, 2),
        ("é", FaultKind::Unlisted, 1),
        ("a..b", FaultKind::Climbs, 2),
        ("a/b", FaultKind::Unlisted, 2),
        ("a\0", FaultKind::Unlisted, 2),
        (&"x".repeat(129), FaultKind::TooLong, 129),
    ] {
        assert_eq!(kind(Rule::Id, text), Some((kind_of, at)), "{text}");
    }
}

#[test]
fn wk_1_text_shows_what_it_is() {
    for text in ["", "O'Brien", "日本語", "שלום", "👩‍👩‍👧", "a\u{301}", "<b>&amp;"] {
        assert_eq!(kind(Rule::String, text), None, "{text}");
    }
    assert_eq!(kind(Rule::Text, "one\r\n\ttwo\n"), None);
    for (text, kind_of, at) in [
        ("a\nb", FaultKind::Control, 2),
        ("é\tb", FaultKind::Control, 2),
        ("\0", FaultKind::Null, 1),
        ("\u{85}", FaultKind::Control, 1),
        ("ab\u{202e}c", FaultKind::Direction, 3),
        ("\u{2066}", FaultKind::Direction, 1),
        ("\u{fdd0}", FaultKind::Noncharacter, 1),
        ("\u{1fffe}", FaultKind::Noncharacter, 1),
        (&"é".repeat(10_001), FaultKind::TooLong, 10_001),
    ] {
        assert_eq!(kind(Rule::String, text), Some((kind_of, at)), "{text:?}");
    }
    assert_eq!(kind(Rule::Text, "a\rb"), Some((FaultKind::Control, 2)));
    assert!(SafeString::parse("abc", Lines::One, 2).is_err());
}

#[test]
fn wk_1_paths_stay_below_where_they_begin() {
    for path in ["a", "a/b.txt", "été/日本 1.png", ".hidden", "a/..b", "100%", "a/...b"] {
        assert_eq!(kind(Rule::Path, path), None, "{path}");
    }
    for (text, kind_of, at) in [
        ("", FaultKind::Empty, 1),
        ("/a", FaultKind::Absolute, 1),
        ("C:/a", FaultKind::Absolute, 2),
        ("a\\b", FaultKind::Backslash, 2),
        ("a/../b", FaultKind::Climbs, 3),
        ("..", FaultKind::Climbs, 1),
        ("a/.. /b", FaultKind::Climbs, 3),
        ("a/./b", FaultKind::EmptySegment, 3),
        ("a//b", FaultKind::EmptySegment, 3),
        ("a/", FaultKind::EmptySegment, 3),
        ("%2e%2e/a", FaultKind::Encoded, 1),
        ("a%252e", FaultKind::Encoded, 2),
        ("a%5Cb", FaultKind::Encoded, 2),
        ("a%c0%af", FaultKind::Encoded, 2),
        ("a／b", FaultKind::Encoded, 2),
        ("a\0b", FaultKind::Null, 2),
    ] {
        assert_eq!(kind(Rule::Path, text), Some((kind_of, at)), "{text:?}");
    }
}

#[test]
fn rules_are_found_by_their_names() {
    for rule in [Rule::Id, Rule::String, Rule::Text, Rule::Path] {
        assert_eq!(by_name(rule.name()), Some(rule));
    }
    assert_eq!(by_name("safe"), None);
}

proptest! {
    #[test]
    fn what_is_refused_is_never_told(text in "\\PC{0,40}", rule in 0..4_usize) {
        let rule = [Rule::Id, Rule::String, Rule::Text, Rule::Path][rule];
        if let Err(fault) = rule.check(&text) {
            let same = rule.check(&text.replace(|c: char| c.is_ascii_alphanumeric(), "q")).err();
            prop_assert!(same.is_none_or(|same| same.rule == fault.rule));
            prop_assert!(fault.at <= text.chars().count().max(1) + 1);
            let words = fault.to_string();
            prop_assert!(words.starts_with(rule.name()) && words.ends_with(&fault.at.to_string()));
        }
    }

    #[test]
    fn a_path_that_passes_stays_below_for_whoever_decodes_it(text in "[a-c./%25eEfF\\\\: ]{1,16}") {
        if let Ok(path) = SafePath::parse(&text) {
            let mut decoded = path.as_str().to_owned();
            for (from, to) in [("%2e", "."), ("%2E", "."), ("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%25", "%")] {
                decoded = decoded.replace(from, to);
            }
            prop_assert_eq!(&decoded, path.as_str());
            prop_assert!(path.segments().all(|segment| !segment.is_empty() && segment.trim() != ".."));
        }
    }

    #[test]
    fn an_id_means_itself_wherever_it_stands(text in "[ -~]{1,20}") {
        if SafeId::parse(&text).is_ok() {
            prop_assert_eq!(crate::http::percent::encoded(&text, "-._~:"), text);
        }
    }
}
