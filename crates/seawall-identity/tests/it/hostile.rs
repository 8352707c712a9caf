//! Stored texts that are cut off, changed, or demand more than a login may take.

use proptest::prelude::*;
use seawall_identity::password::{Format, FormatReport, Hasher, Memory, PasswordError, Stored};

use crate::fixtures;

#[test]
fn what_is_cut_off_anywhere_is_refused_or_matches_nothing() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    for fixture in fixtures::all() {
        for (end, _) in fixture.stored.char_indices() {
            // Padding says nothing: without it the hash is whole.
            let whole = fixture.stored[end..].bytes().all(|byte| byte == b'=');
            let Ok(stored) = Stored::parse(&fixture.stored[..end]) else { continue };
            let matches = hasher.verify(&stored, fixture.password, &mut memory);
            assert_eq!(matches, Ok(whole), "{fixture:?} up to {end}");
        }
    }
}

#[test]
fn costs_beyond_the_bounds_are_refused_by_name() {
    let salt = "c2FsdHNhbHRzYWx0";
    let hash = "AAAAAAAAAAAAAAAAAAAAAA";
    let sha256 = "A".repeat(43);
    let hex128 = "0".repeat(128);
    let crypt = ".".repeat(43);
    let cases = [
        (format!("$argon2id$v=19$m=262145,t=1,p=1${salt}${hash}"), "memory in KiB", 262_144),
        (format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt}${hash}"), "memory in KiB", 262_144),
        (format!("$argon2id$v=19$m=99999999999999999999,t=1,p=1${salt}${hash}"), "memory in KiB", 262_144),
        (format!("$argon2i$v=19$m=64,t=21,p=1${salt}${hash}"), "a number of passes", 20),
        (format!("argon2$argon2d$v=19$m=256,t=1,p=17${salt}${hash}"), "a parallelism", 16),
        ("$2b$16$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde".to_owned(), "a cost", 15),
        ("bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde".to_owned(), "a cost", 15),
        (format!("$scrypt$ln=19,r=8,p=1${salt}${sha256}"), "memory in KiB", 262_144),
        (format!("$scrypt$ln=63,r=8,p=1${salt}${sha256}"), "a log2 of N", 30),
        (format!("$scrypt$ln=10,r=8,p=17${salt}${sha256}"), "a parallelism", 16),
        (format!("scrypt:2097152:8:1$salt${hex128}"), "memory in KiB", 262_144),
        (format!("node-scrypt:262144:8:8:salt:{hex128}"), "work in KiB", 1_048_576),
        (format!("$pbkdf2-sha256$5000001${salt}${sha256}"), "a number of rounds (for all blocks)", 5_000_000),
        (format!("pbkdf2_sha256$4294967296$salt${sha256}="), "a number of rounds (for all blocks)", 5_000_000),
        (format!("$5$rounds=5000001$salt${crypt}"), "a number of rounds", 5_000_000),
        ("$P$Lsaltsalt......................".to_owned(), "a log2 of the rounds", 22),
        (format!("$S$Lsaltsalt{crypt}"), "a log2 of the rounds", 22),
    ];
    for (text, what, limit) in cases {
        match Stored::parse(&text) {
            Err(PasswordError::TooExpensive { what: found, limit: found_limit, value, .. }) => {
                assert_eq!((found, found_limit), (what, limit), "{text}");
                assert!(value > limit, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn costs_at_the_bounds_are_read() {
    for text in [
        "$argon2id$v=19$m=262144,t=20,p=16$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$2b$15$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde".to_owned(),
        format!("$scrypt$ln=18,r=8,p=1$c2FsdHNhbHRzYWx0${}", "A".repeat(43)),
        format!("$pbkdf2-sha256$5000000$c2FsdHNhbHRzYWx0${}", "A".repeat(43)),
        format!("$5$rounds=5000000$salt${}", ".".repeat(43)),
    ] {
        assert!(Stored::parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn many_rounds_over_a_long_password_are_refused_before_they_begin() {
    let hasher = Hasher::default();
    for text in [
        format!("$5$rounds=5000000$salt${}", ".".repeat(43)),
        format!("$6$rounds=5000000$salt${}", ".".repeat(86)),
        "$P$Ksaltsalt......................".to_owned(),
    ] {
        let stored = Stored::parse(&text).unwrap();
        let answer = hasher.verify(&stored, &"k".repeat(1_024), &mut Memory::new());
        assert!(matches!(answer, Err(PasswordError::TooExpensive { limit: 2_147_483_648, .. })), "{text} {answer:?}");
    }
    // As many as others set by default are computed for the longest password too.
    let usual = Stored::parse(&format!("$6$salt${}", ".".repeat(86))).unwrap();
    assert_eq!(hasher.verify(&usual, &"k".repeat(1_024), &mut Memory::new()), Ok(false));
}

#[test]
fn a_cost_of_nothing_is_refused() {
    for text in [
        "$argon2id$v=19$m=0,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$2b$00$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde".to_owned(),
        format!("$scrypt$ln=0,r=8,p=1$c2FsdA${}", "A".repeat(43)),
        format!("$scrypt$ln=4,r=0,p=1$c2FsdA${}", "A".repeat(43)),
        format!("$pbkdf2-sha256$0$c2FsdA${}", "A".repeat(43)),
    ] {
        assert!(matches!(Stored::parse(&text), Err(PasswordError::Malformed { .. })), "{text}");
    }
}

/// Formats whose costs no change of the text can raise.
fn cheap(format: Format) -> bool {
    use Format::{Apr1, Digest, DjangoDigest, LdapDigest, Md5Crypt, Plain, WerkzeugDigest};
    matches!(format, Apr1 | Digest | DjangoDigest | LdapDigest | Md5Crypt | Plain | WerkzeugDigest)
}

fn read(text: &str) {
    let mut report = FormatReport::new();
    if let Ok(stored) = report.read(text) {
        let hasher = Hasher::default();
        assert!(hasher.needs_upgrade(&stored) || stored.format() == Format::Argon2id);
        if cheap(stored.format()) {
            assert!(!hasher.verify(&stored, "no such password", &mut Memory::new()).unwrap(), "{text}");
        }
    }
    assert_eq!(report.refused() + report.formats().map(|(_, count)| count).sum::<u64>(), 1);
}

const ALPHABET: &str = "[ -~]{0,12}|[$,=:{}./0-9a-z]{0,24}|\\PC{0,6}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_without_harm(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn changed_fixtures_are_read_without_harm(
        row in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        count in 0_usize..8,
        put in ALPHABET,
    ) {
        let fixtures = fixtures::all();
        let stored: Vec<char> = row.get(&fixtures).stored.chars().collect();
        let from = from.index(stored.len());
        let to = (from + count).min(stored.len());
        let text: String = stored[..from].iter().copied().chain(put.chars()).chain(stored[to..].iter().copied()).collect();
        read(&text);
    }

    #[test]
    fn grown_numbers_in_fixtures_are_read_without_harm(row in any::<prop::sample::Index>(), digits in "[0-9]{1,24}") {
        let fixtures = fixtures::all();
        let mut text = String::new();
        let mut replaced = false;
        // Each number of the part before the salt, one after the other, by the same digits.
        for part in row.get(&fixtures).stored.split_inclusive(['$', '=', ',', ':']) {
            let number = part.trim_end_matches(['$', '=', ',', ':']);
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && !replaced {
                text.push_str(&digits);
                text.push_str(&part[number.len()..]);
                replaced = true;
            } else {
                text.push_str(part);
            }
        }
        read(&text);
    }
}
