//! Names of models, read.

use super::*;
use crate::demo::llm::WORDS;

fn parsed(name: &str) -> Behaviour {
    Behaviour::parse(name).unwrap()
}

#[test]
fn names_without_words_work() {
    for name in [
        "fake",
        "gpt-5",
        "claude-sonnet-4-5",
        "gemini-3-flash",
        "text-embedding-3-small",
        "",
        "fakery-429",
        "unfake-429",
    ] {
        assert_eq!(parsed(name), Behaviour::default(), "{name}");
    }
}

#[test]
fn each_word_asks_for_its_own() {
    let default = Behaviour::default;
    let ms = Duration::from_millis;
    let trouble = |trouble| Behaviour { trouble: Some(trouble), ..default() };
    let says = |says| Behaviour { says, ..default() };
    let expected = [
        ("fake-429", Behaviour { status: Some(429), ..default() }),
        ("fake-500", Behaviour { status: Some(500), ..default() }),
        ("fake-529", Behaviour { status: Some(529), ..default() }),
        ("fake-503-once", Behaviour { status: Some(503), once: true, ..default() }),
        ("fake-hang", Behaviour { hang: true, ..default() }),
        ("fake-slow-headers-250", Behaviour { slow_headers: ms(250), ..default() }),
        ("fake-latency-40", Behaviour { latency: ms(40), ..default() }),
        ("fake-drip-20", Behaviour { drip: ms(20), ..default() }),
        ("fake-stall", trouble(Trouble::Stall)),
        ("fake-cut", trouble(Trouble::Cut)),
        ("fake-malformed", trouble(Trouble::Malformed)),
        ("fake-error-frame", trouble(Trouble::ErrorFrame)),
        ("fake-oversized", trouble(Trouble::Oversized)),
        ("fake-cut-first", Behaviour { first: true, ..trouble(Trouble::Cut) }),
        ("fake-no-usage", Behaviour { no_usage: true, ..default() }),
        ("fake-refusal", says(Says::Refusal)),
        ("fake-length", says(Says::Length)),
        ("fake-context", says(Says::Context)),
        ("fake-tokens-1000", says(Says::Tokens(1_000))),
    ];
    for (name, behaviour) in expected {
        assert_eq!(parsed(name), behaviour, "{name}");
    }
}

#[test]
fn words_are_combined_in_any_order_and_follow_a_real_name() {
    let expected = Behaviour { status: Some(429), once: true, retry_after_s: Some(1), ..Behaviour::default() };
    for name in [
        "fake-429-once-retry-after-1",
        "fake-retry-after-1-once-429",
        "gpt-5-fake-429-once-retry-after-1",
        "openai/fake-429-once-retry-after-1",
    ] {
        assert_eq!(parsed(name), expected, "{name}");
    }
}

#[test]
fn what_once_goes_wrong_works_at_the_second_attempt() {
    assert_eq!(parsed("fake-cut-once").at_second_attempt(), Behaviour::default());
    assert_eq!(parsed("fake-cut").at_second_attempt(), parsed("fake-cut"));
}

#[test]
fn what_cannot_be_read_says_why() {
    let told = [
        ("fake-", "`` is no word"),
        ("fake-teapot", "`teapot` is no word"),
        ("fake-200", "`200` is no status"),
        ("fake-600", "`600` is no status"),
        ("fake-slow-5", "`slow` wants to be followed by `-headers`"),
        ("fake-drip", "`drip` wants to be followed by a number up to 600000"),
        ("fake-drip-600001", "a number up to 600000"),
        ("fake-tokens-20001", "a number up to 20000"),
        ("fake-stall-cut", "only one of `stall`"),
        ("fake-length-context", "only one of `refusal`"),
    ];
    for (name, why) in told {
        let error = Behaviour::parse(name).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(&format!("`{name}`")), "{name}: {error}");
    }
}

#[test]
fn every_word_of_the_table_can_be_read() {
    for (words, _) in WORDS {
        for word in words.split(", ") {
            let name = format!("fake-{word}").replace("-MS", "-5").replace("-S", "-5").replace("-N", "-5");
            let read = Behaviour::parse(name.trim_end_matches('-'));
            assert!(read.is_ok(), "{name}: {read:?}");
        }
    }
}
