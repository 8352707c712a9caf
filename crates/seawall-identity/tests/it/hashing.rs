//! Hashes of today: their form, their costs, peppers, and when a better one is due.

use seawall_core::settings::Secret;
use seawall_identity::password::{
    Cost, Format, Hasher, KeyId, MAX_BYTES, Memory, PasswordError, Pepper, PepperRing, Stored,
};

const PASSWORD: &str = "correct horse 7";

fn pepper(id: &str) -> Pepper {
    let key = format!("{id} {}", "k".repeat(32));
    Pepper::new(KeyId::parse(id).unwrap(), Secret::from(key)).unwrap()
}

fn peppered(current: Option<&str>, former: &[&str]) -> Hasher {
    let ring = PepperRing::new(current.map(pepper), former.iter().map(|id| pepper(id)).collect()).unwrap();
    Hasher::new(Cost::default(), ring)
}

#[test]
fn a_hash_is_a_phc_string_of_argon2id_with_a_salt_of_its_own() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    let hash = hasher.hash(PASSWORD, &mut memory).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_ne!(hash, hasher.hash(PASSWORD, &mut memory).unwrap());
    let stored = Stored::parse(&hash).unwrap();
    assert!(hasher.verify(&stored, PASSWORD, &mut memory).unwrap());
    assert!(!hasher.verify(&stored, "correct horse 8", &mut memory).unwrap());
    assert!(!hasher.needs_upgrade(&stored));
}

#[test]
fn accents_apart_or_composed_are_one_password_and_compatible_letters_are_not() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    let stored = Stored::parse(&hasher.hash("Caf\u{e9} am Meer", &mut memory).unwrap()).unwrap();
    assert!(hasher.verify(&stored, "Cafe\u{301} am Meer", &mut memory).unwrap());
    let stored = Stored::parse(&hasher.hash("Cafe\u{301} am Meer", &mut memory).unwrap()).unwrap();
    assert!(hasher.verify(&stored, "Caf\u{e9} am Meer", &mut memory).unwrap());
    let stored = Stored::parse(&hasher.hash("\u{fb01}ne \u{2460} passwords", &mut memory).unwrap()).unwrap();
    assert!(!hasher.verify(&stored, "fine 1 passwords", &mut memory).unwrap());
}

#[test]
fn white_space_and_case_count() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    let stored = Stored::parse(&hasher.hash(" Correct horse ", &mut memory).unwrap()).unwrap();
    for wrong in ["Correct horse", " correct horse ", " Correct horse"] {
        assert!(!hasher.verify(&stored, wrong, &mut memory).unwrap(), "{wrong:?}");
    }
    assert!(hasher.verify(&stored, " Correct horse ", &mut memory).unwrap());
}

#[test]
fn the_longest_password_counts_to_its_last_byte() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    let longest = "k".repeat(MAX_BYTES);
    let stored = Stored::parse(&hasher.hash(&longest, &mut memory).unwrap()).unwrap();
    assert!(hasher.verify(&stored, &longest, &mut memory).unwrap());
    assert!(!hasher.verify(&stored, &format!("{}x", &longest[1..]), &mut memory).unwrap());
    let longer = longest + "k";
    assert_eq!(hasher.hash(&longer, &mut memory), Err(PasswordError::TooLong));
    assert!(!hasher.verify(&stored, &longer, &mut memory).unwrap());
}

#[test]
fn costs_are_bounded_from_below_and_above() {
    for (memory_kib, passes, lanes) in [(47_104, 1, 1), (19_456, 2, 1), (7_168, 5, 1), (262_144, 20, 16)] {
        assert!(Cost::new(memory_kib, passes, lanes).is_ok(), "{memory_kib} {passes} {lanes}");
    }
    for (memory_kib, passes, lanes) in [
        (47_103, 1, 1),
        (19_455, 2, 1),
        (7_167, 20, 1),
        (19_456, 0, 1),
        (19_456, 2, 0),
        (262_145, 2, 1),
        (19_456, 21, 1),
        (19_456, 2, 17),
    ] {
        assert!(Cost::new(memory_kib, passes, lanes).is_err(), "{memory_kib} {passes} {lanes}");
    }
}

#[test]
fn another_cost_another_format_and_another_pepper_are_due_for_an_upgrade() {
    let mut memory = Memory::new();
    let today = Hasher::default();
    let other = Hasher::new(Cost::new(12_288, 3, 1).unwrap(), PepperRing::none());
    let of_other = Stored::parse(&other.hash(PASSWORD, &mut memory).unwrap()).unwrap();
    assert!(today.needs_upgrade(&of_other));
    assert!(!other.needs_upgrade(&of_other));
    assert!(today.verify(&of_other, PASSWORD, &mut memory).unwrap());

    let first = peppered(Some("first"), &[]);
    let of_first = Stored::parse(&first.hash(PASSWORD, &mut memory).unwrap()).unwrap();
    assert!(!first.needs_upgrade(&of_first));
    assert!(peppered(Some("second"), &["first"]).needs_upgrade(&of_first));
    assert!(peppered(None, &["first"]).needs_upgrade(&of_first));
    let plain = Stored::parse(&today.hash(PASSWORD, &mut memory).unwrap()).unwrap();
    assert!(first.needs_upgrade(&plain));
}

#[test]
fn a_pepper_is_named_in_the_hash_and_rotates() {
    let mut memory = Memory::new();
    let hash = peppered(Some("first"), &[]).hash(PASSWORD, &mut memory).unwrap();
    assert!(hash.starts_with("$seawall$pepper=first$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let stored = Stored::parse(&hash).unwrap();
    assert_eq!(stored.format(), Format::Peppered);

    let second = peppered(Some("second"), &["first"]);
    assert!(second.verify(&stored, PASSWORD, &mut memory).unwrap());
    assert!(!second.verify(&stored, "correct horse 8", &mut memory).unwrap());
    let missing = peppered(Some("second"), &[]).verify(&stored, PASSWORD, &mut memory);
    assert_eq!(missing, Err(PasswordError::PepperMissing("first".to_owned())));

    // Whoever has the database and not the pepper cannot compare, even with the hash's own salt.
    let bare = Stored::parse(&hash.replace("$seawall$pepper=first", "")).unwrap();
    assert!(!second.verify(&bare, PASSWORD, &mut memory).unwrap());
    let renamed = Stored::parse(&hash.replace("pepper=first", "pepper=second")).unwrap();
    assert!(!second.verify(&renamed, PASSWORD, &mut memory).unwrap());
}

#[test]
fn peppers_have_names_of_their_own_and_keys_of_a_length() {
    assert!(PepperRing::new(Some(pepper("one")), vec![pepper("one")]).is_err());
    assert!(PepperRing::new(None, (0..17).map(|number| pepper(&format!("p{number}"))).collect()).is_err());
    assert!(Pepper::new(KeyId::parse("short").unwrap(), Secret::from("k".repeat(31))).is_err());
    for wrong in ["", "Upper", "comma,", "dollar$", "equals=", &"a".repeat(33)] {
        assert!(KeyId::parse(wrong).is_err(), "{wrong}");
    }
    assert!(!format!("{:?}", pepper("one")).contains("kkkk"));
}

#[test]
fn a_decoy_takes_no_password() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    assert!(!hasher.verify(&hasher.decoy().unwrap(), PASSWORD, &mut memory).unwrap());
    let real = Stored::parse("plain:correct horse 7").unwrap();
    assert!(hasher.verify(&real, PASSWORD, &mut memory).unwrap());
    assert!(!hasher.verify(&real.decoy(), PASSWORD, &mut memory).unwrap());
}

#[test]
fn memory_is_kept_and_given_back() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    hasher.hash(PASSWORD, &mut memory).unwrap();
    let kept = memory.bytes();
    assert_eq!(kept, 19_456 * 1_024);
    let larger = Stored::parse("$argon2id$v=19$m=32768,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA").unwrap();
    assert!(!hasher.verify(&larger, PASSWORD, &mut memory).unwrap());
    assert_eq!(memory.bytes(), 0, "what is beyond a hash of today is not kept");
    hasher.hash(PASSWORD, &mut memory).unwrap();
    memory.release();
    assert_eq!(memory.bytes(), 0);
}
