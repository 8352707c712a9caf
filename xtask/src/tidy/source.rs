//! Rust files: an opening sentence, a length that one idea needs, and no loose ends.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::rust_text;

/// Lines with code, without comments, blank lines and tests. Past this a file holds two ideas.
const MOST_CODE_LINES: usize = 400;

/// What must not stand in code, and what to do about it.
const LOOSE_CODE: [(&str, &str); 5] = [
    ("todo!", "write the missing part or leave the feature out"),
    ("unimplemented!", "write the missing part or leave the feature out"),
    ("#[allow(", "use #[expect(lint, reason = \"why\")], which is reported once it is not needed"),
    ("#![allow(", "use #![expect(lint, reason = \"why\")], which is reported once it is not needed"),
    ("#[ignore]", "say why the test does not run: #[ignore = \"why\"]"),
];

/// What must not stand anywhere in a line, as a whole word.
const LOOSE_WORDS: [&str; 2] = ["TODO", "FIXME"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rust = || tree.files().iter().filter(|file| file.rust());
    let own = || rust().filter(|file| file.crate_source());
    own().filter_map(opening).chain(own().filter_map(length)).chain(rust().flat_map(loose_ends)).collect()
}

fn opening(file: &File) -> Option<Finding> {
    let first = file.text().lines().next().unwrap_or("");
    let opens = first.strip_prefix("//!").is_some_and(|sentence| !sentence.trim().is_empty());
    (!opens)
        .then(|| Finding::new(file.path(), 1, "the file does not open with `//!`", "write one sentence on what it is"))
}

fn length(file: &File) -> Option<Finding> {
    let mut code_lines = file.lines_outside_tests().into_iter().filter(|(_, line)| line.has_code());
    let (first_beyond, _) = code_lines.nth(MOST_CODE_LINES)?;
    let count = MOST_CODE_LINES + 1 + code_lines.count();
    let what = format!("{count} lines of code, at most {MOST_CODE_LINES}");
    Some(Finding::new(file.path(), first_beyond, what, "find the two ideas in the file and give each its own"))
}

fn loose_ends(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in rust_text::lines(file.text()).iter().enumerate() {
        let code = line.code.replace("#[ignore = \"\"]", "#[ignore]");
        for (found, remedy) in LOOSE_CODE {
            if code.contains(found) {
                findings.push(Finding::new(file.path(), index + 1, format!("`{found}`"), remedy));
            }
        }
        for word in LOOSE_WORDS {
            if has_word(&line.comment, word) || has_word(&line.code, word) {
                findings.push(Finding::new(
                    file.path(),
                    index + 1,
                    format!("`{word}`"),
                    "do it, or open an issue and delete the note",
                ));
            }
        }
    }
    findings
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_without_an_opening_sentence_is_found() {
        let found = ["crates/a/src/lib.rs:1: the file does not open with `//!`; write one sentence on what it is"];
        for text in ["fn a() {}\n", "", "//!\nfn a() {}\n", "// A.\n"] {
            assert_eq!(reports("crates/a/src/lib.rs", text), found, "{text:?}");
        }
        assert!(reports("crates/a/src/lib.rs", "//! A.\n").is_empty());
        assert!(reports("crates/a/examples/b.rs", "fn a() {}\n").is_empty());
    }

    #[test]
    fn a_file_that_is_too_long_is_found_where_it_becomes_so() {
        let long = |count: usize| format!("//! A.\n\n// why\n{}", "fn a() {}\n".repeat(count));
        assert!(reports("crates/a/src/b.rs", &long(400)).is_empty());
        assert_eq!(
            reports("crates/a/src/b.rs", &long(402)),
            [
                "crates/a/src/b.rs:404: 402 lines of code, at most 400; find the two ideas in the file and give each its own"
            ]
        );
        assert!(reports("crates/a/src/b/tests.rs", &long(402)).is_empty());
    }

    #[test]
    fn tests_at_the_end_do_not_count_as_length() {
        let text = format!("//! A.\nfn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn a() {}\n".repeat(500));
        assert!(reports("crates/a/src/b.rs", &text).is_empty());
    }

    #[test]
    fn loose_ends_are_found_in_code_and_comments_but_not_in_strings() {
        for code in [
            "todo!()",
            "unimplemented!()",
            "#[allow(dead_code)]",
            "#![allow(dead_code)]",
            "#[ignore]",
            "#[ignore = \"\"]",
        ] {
            assert_eq!(reports("crates/a/tests/b.rs", code).len(), 1, "{code}");
        }
        assert_eq!(reports("examples/a.rs", "// TODO: more\n/* FIXME */\n").len(), 2);
        let text = "fn a() -> &'static str { \"todo! #[allow( TODO\" } // AUTODOC\n#[ignore = \"needs a disk\"]\n";
        assert!(reports("examples/a.rs", text).is_empty());
    }
}
