//! Which passwords may be chosen.

use proptest::prelude::*;

use super::*;

fn check(password: &str) -> Result<(), Refusal> {
    PasswordPolicy::default().check(password, &PasswordContext::new())
}

#[test]
fn the_length_is_counted_in_characters_from_below_and_in_bytes_from_above() {
    assert_eq!(check("kqzvwxj"), Err(Refusal::TooShort { found: 7, least: 8 }));
    assert_eq!(check("kqzvwxjp"), Ok(()));
    assert_eq!(check("žluťoučk"), Ok(()));
    let policy = PasswordPolicy::only_factor();
    let fourteen = policy.check("kqzvwxjpkqzvwx", &PasswordContext::new());
    assert_eq!(fourteen, Err(Refusal::TooShort { found: 14, least: 15 }));
    assert_eq!(policy.check("kqzvwxjpkqzvwxj", &PasswordContext::new()), Ok(()));
    assert_eq!(check(&"kqzv".repeat(256)), Ok(()));
    assert_eq!(check(&("kqzv".repeat(256) + "k")), Err(Refusal::TooLong { found: 1_025 }));
}

#[test]
fn letters_with_their_accents_apart_are_one_character() {
    let apart = "e\u{301}".repeat(7);
    assert_eq!(check(&apart), Err(Refusal::TooShort { found: 7, least: 8 }));
}

#[test]
fn nothing_is_trimmed_and_nothing_demanded() {
    assert_eq!(check("        "), Ok(()), "eight spaces are eight characters");
    assert_eq!(check("kqzvwxjp "), Ok(()));
    assert_eq!(check("password "), Ok(()), "with a space it is another password");
}

#[test]
fn common_passwords_are_refused_in_any_case() {
    for common in ["password", "Password1", "QWERTYUIOP", "1234567890", "iloveyou1"] {
        assert_eq!(check(common), Err(Refusal::Common), "{common}");
    }
    assert_eq!(check("correct horse battery staple"), Ok(()));
}

#[test]
fn a_password_that_mostly_is_a_known_name_is_refused() {
    let context =
        PasswordContext::new().name("JohnSmith").email("j.appleseed+shop@example.org").site("harbour.example.com");
    let policy = PasswordPolicy::default();
    for refused in
        ["johnsmith", "JOHNSMITH1", "1johnsmith!", "appleseed99", "harbour2026", "harbourjohnsmith", "shopappleseed"]
    {
        assert_eq!(policy.check(refused, &context), Err(Refusal::Context), "{refused}");
    }
    for taken in ["seven apples and a harbour", "smithereens of the johnny", "j.j.j.j.j.j"] {
        assert_eq!(policy.check(taken, &context), Ok(()), "{taken}");
    }
}

#[test]
fn a_context_is_bounded() {
    let many = (0..100).fold(PasswordContext::new(), |context, number| context.name(&format!("name{number}")));
    assert_eq!(format!("{many:?}").matches("name").count(), 32);
}

#[test]
fn each_refusal_says_what_to_do() {
    let refusals = [
        Refusal::TooShort { found: 3, least: 8 },
        Refusal::TooLong { found: 2_000 },
        Refusal::Common,
        Refusal::Context,
    ];
    for refusal in refusals {
        assert!(refusal.to_string().contains("; take "), "{refusal}");
    }
}

#[test]
fn the_least_length_has_bounds() {
    assert!(PasswordPolicy::new(7).is_err());
    assert!(PasswordPolicy::new(65).is_err());
    assert_eq!(PasswordPolicy::new(15), Ok(PasswordPolicy::only_factor()));
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(password in any::<String>(), name in any::<String>()) {
        let context = PasswordContext::new().name(&name).email(&name).site(&name);
        let _ = PasswordPolicy::default().check(&password, &context);
    }
}
