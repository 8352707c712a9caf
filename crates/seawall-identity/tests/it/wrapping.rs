//! What an import makes of plaintext and fast hashes.

use seawall_identity::password::{Format, Hasher, Memory, Stored};

use crate::fixtures::{self, Fixture};

/// Fast formats, and those of PBKDF2, whose fixtures have few rounds.
const FAST: [&str; 15] = [
    "plain",
    "digest",
    "django_digest",
    "werkzeug_digest",
    "ldap_digest",
    "md5_crypt",
    "apr1",
    "phpass",
    "aspnet_identity_v2",
    "aspnet_identity_v3",
    "passlib_pbkdf2",
    "ldap_pbkdf2",
    "werkzeug_pbkdf2",
    "django_pbkdf2",
    "pbkdf2",
];

const ASCII: &str = "correct horse 7";

fn fast(fixture: &&Fixture) -> bool {
    FAST.contains(&fixture.format) || fixture.format == "keycloak" && fixture.stored.contains("pbkdf2")
}

/// Each format has rows for both passwords; half of them show as much, in half the time.
fn unicode(fixture: &&Fixture) -> bool {
    fixture.password != ASCII
}

fn wrap(fixture: &Fixture, memory: &mut Memory) -> Option<String> {
    Hasher::default().wrap(&Stored::parse(fixture.stored).unwrap(), memory).unwrap()
}

#[test]
fn fast_hashes_are_wrapped_and_verified_by_the_same_password_alone() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    let mut seen = 0;
    for fixture in fixtures::all().iter().filter(fast).filter(unicode) {
        let wrapped = wrap(fixture, &mut memory).expect("it is fast");
        let stored = Stored::parse(&wrapped).unwrap();
        assert!(hasher.verify(&stored, fixture.password, &mut memory).unwrap(), "{fixture:?} {wrapped}");
        let wrong = format!("x{}", fixture.password);
        assert!(!hasher.verify(&stored, &wrong, &mut memory).unwrap(), "{fixture:?} {wrapped}");
        let plain = fixture.format == "plain";
        assert_eq!(stored.format(), if plain { Format::Argon2id } else { Format::Wrapped });
        assert_eq!(hasher.needs_upgrade(&stored), !plain, "unwrapped at the next login");
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn the_old_hash_is_not_in_what_is_stored() {
    let mut memory = Memory::new();
    for fixture in fixtures::all().iter().filter(fast).filter(|fixture| fixture.password == ASCII) {
        let wrapped = wrap(fixture, &mut memory).expect("it is fast");
        if fixture.format == "keycloak" {
            continue;
        }
        // The longest word of the old text is its digest, or the plaintext itself.
        let old = fixture.stored.rsplit(['$', ':', '}']).next().unwrap();
        let end: String = old.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
        assert!(!wrapped.contains(&end), "{fixture:?} {wrapped}");
        assert!(!wrapped.contains(fixture.password));
    }
}

#[test]
fn slow_hashes_and_wrapped_ones_stay_as_they_are() {
    let (hasher, mut memory) = (Hasher::default(), Memory::new());
    for fixture in fixtures::all().iter().filter(|fixture| !fast(fixture)) {
        assert_eq!(wrap(fixture, &mut memory), None, "{fixture:?}");
    }
    let first = fixtures::all().into_iter().find(|fixture| fixture.format == "digest").unwrap();
    let wrapped = Stored::parse(&wrap(&first, &mut memory).unwrap()).unwrap();
    assert_eq!(hasher.wrap(&wrapped, &mut memory), Ok(None));
}

#[test]
fn a_wrapped_hash_names_what_is_beneath() {
    let mut memory = Memory::new();
    let stored = Stored::parse("salted:sha1:pepper:9a900403ac313ba27a1bc81f0932652b8020dac4").unwrap();
    let wrapped = Hasher::default().wrap(&stored, &mut memory).unwrap().unwrap();
    assert!(
        wrapped.starts_with("$seawall$wrap=digest:sha1:before:cGVwcGVy$argon2id$v=19$m=19456,t=2,p=1$"),
        "{wrapped}"
    );
}
