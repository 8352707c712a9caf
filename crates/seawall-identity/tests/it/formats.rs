//! What other programs stored is verified, and nothing else is.

use std::collections::BTreeSet;

use seawall_identity::password::{Format, FormatReport, Hasher, Memory, PasswordError, Stored, detect};

use crate::fixtures;

fn verify(stored: &str, password: &str) -> bool {
    Hasher::default().verify(&Stored::parse(stored).unwrap(), password, &mut Memory::new()).unwrap()
}

#[test]
fn every_format_that_others_write_is_among_the_fixtures() {
    let seen: BTreeSet<&str> = fixtures::all().iter().map(|fixture| fixture.format).collect();
    let ours = [Format::Peppered, Format::Wrapped];
    let known = Format::ALL.into_iter().filter(|format| !ours.contains(format)).map(Format::name).collect();
    assert_eq!(seen, known);
}

#[test]
fn every_fixture_is_recognised_and_verified_by_its_password() {
    for fixture in fixtures::all() {
        assert_eq!(detect(fixture.stored).map(Format::name), Ok(fixture.format), "{fixture:?}");
        assert!(verify(fixture.stored, fixture.password), "{fixture:?}");
    }
}

#[test]
fn no_fixture_is_verified_by_another_password() {
    for fixture in fixtures::all() {
        let wrong = format!("x{}", fixture.password);
        assert!(!verify(fixture.stored, &wrong), "{fixture:?}");
        if !fixture.password.is_empty() {
            assert!(!verify(fixture.stored, ""), "{fixture:?}");
        }
    }
}

#[test]
fn passwords_that_others_changed_by_a_letter_do_not_match() {
    for fixture in fixtures::all().iter().filter(|fixture| fixture.password == "correct horse 7") {
        for wrong in ["correct horse 8", "Correct horse 7", "correct horse 7x", "correct horse "] {
            assert!(!verify(fixture.stored, wrong), "{fixture:?} {wrong}");
        }
    }
}

#[test]
fn bcrypt_reads_72_bytes_and_its_forms_over_sha256_read_all() {
    let long = fixtures::all().into_iter().filter(|fixture| fixture.password.len() > 72);
    let mut seen = 0;
    for fixture in long.filter(|fixture| fixture.format.contains("bcrypt")) {
        let other = format!("{}another end", &fixture.password[..72]);
        assert_eq!(verify(fixture.stored, &other), fixture.format == "bcrypt", "{fixture:?}");
        assert!(!verify(fixture.stored, &fixture.password[..71]), "{fixture:?}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn what_looks_like_no_format_is_said_to() {
    let why = |text: &str| detect(text).unwrap_err().to_string();
    assert!(why("").contains("it is empty"));
    assert!(why("letmein").contains("`plain:PASSWORD`"));
    assert!(why("5f4dcc3b5aa765d61d8327deb882cf99").contains("`digest:sha256:HEX`"));
    assert!(why("!locked").contains("locked"));
    assert!(why("$9$abc").contains("name of no format"));
    assert!(why("{FOO}abc").contains("neither an LDAP scheme nor"));
    assert!(why("$y$j9T$abc$def").contains("yescrypt is not supported"));
    assert!(why("{CRYPT}rqXexS6ZhobKA").contains("DES is not supported"));
    assert!(why(&"a".repeat(5_000)).contains("4,096"));
}

#[test]
fn a_report_counts_by_format_and_by_reason() {
    let mut report = FormatReport::new();
    for fixture in fixtures::all() {
        report.read(fixture.stored).unwrap();
    }
    assert_eq!(report.dominant(), Some(Format::Digest));
    for text in [
        "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$2b$30$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "letmein",
    ] {
        report.read(text).unwrap_err();
    }
    assert_eq!(report.refused(), 3);
    let text = report.to_string();
    assert!(text.contains("        12  bcrypt\n"), "{text}");
    assert!(text.contains("         2  too expensive: bcrypt\n"), "{text}");
    let total: u64 = report.formats().map(|(_, count)| count).sum();
    assert_eq!(total, fixtures::all().len() as u64);
}

#[test]
fn a_stored_password_shows_its_format_alone() {
    let stored = Stored::parse("plain:hunter2hunter2").unwrap();
    assert_eq!(format!("{stored:?}"), "Stored { format: Plain, .. }");
}

#[test]
fn what_is_wrong_is_said_without_the_hash() {
    let error = Stored::parse("$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0$AAAA").unwrap_err();
    assert_eq!(
        error,
        PasswordError::Malformed { format: Format::Argon2id, why: "its hash has less than 16 or more than 128 bytes" }
    );
    assert!(!error.to_string().contains("AAAA"));
}
