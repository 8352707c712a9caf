//! The decision on whether whoever asks may.

use std::sync::Arc;

use http::Request;
use seawall_core::{
    membership::{Membership, Tier},
    onward::SignInPages,
    principal::{KeyFacts, Principal, Role, SessionFacts},
    reply::PortError,
    scope::Scope,
    settings::{Raw, Setting},
};

use super::{AccessGuard, Requirement};
use crate::{Guard, Verdict, engine::sample_context};

fn requirement(text: &str) -> Requirement {
    Requirement::read(&Raw::Text(text.to_owned())).unwrap()
}

fn principal(roles: &[&str]) -> Arc<Principal> {
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    let roles: Vec<_> = roles.iter().map(|role| Role::parse(role).unwrap()).collect();
    Arc::new(Principal::user("u1", "Ann", &roles, session).unwrap())
}

/// The status that is answered; nothing when the request passes.
fn asked(require: &[&str], hidden: bool, roles: Option<&[&str]>, unproven: bool) -> Option<u16> {
    let guard = AccessGuard::new(require.iter().map(|text| requirement(text)).collect(), hidden);
    let mut context = sample_context();
    context.principal = roles.map(principal);
    context.unproven = unproven.then_some(PortError::TimedOut);
    match guard.head(&mut Request::get("/").body(()).unwrap().into_parts().0, &mut context) {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem.status().as_u16()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_gets_401_the_wrong_role_403_and_a_hidden_route_is_not_there() {
    for (require, roles, open, hidden) in [
        (&["user"][..], None, Some(401), Some(404)),
        (&["user"], Some(&[][..]), None, None),
        (&["role admin"], None, Some(401), Some(404)),
        (&["role admin"], Some(&["editor"]), Some(403), Some(404)),
        (&["role admin"], Some(&["editor", "admin"]), None, None),
        (&["role admin", "role editor"], Some(&["editor"]), None, None),
        (&["role admin", "user"], Some(&[]), None, None),
    ] {
        assert_eq!(asked(require, false, roles, false), open, "{require:?} {roles:?}");
        assert_eq!(asked(require, true, roles, false), hidden, "{require:?} {roles:?}");
    }
}

/// Where a request is sent; nothing when it is refused as ever.
fn sent(method: &str, wants_page: bool, hidden: bool, require: &str, roles: Option<&[&str]>) -> Option<String> {
    let pages = SignInPages { sign_in: "/sign-in".into(), back: "next", confirm: "/confirm".into() };
    let guard = AccessGuard::new(vec![requirement(require)], hidden).with_pages(Some(pages));
    let mut context = sample_context();
    context.wants_page = wants_page;
    context.principal = roles.map(principal);
    let mut head = Request::builder().method(method).uri("/a?b").body(()).unwrap().into_parts().0;
    let Verdict::Refuse(problem) = guard.head(&mut head, &mut context) else { panic!("it passes") };
    let location =
        problem.headers.iter().find(|(name, _)| name == "location").map(|(_, way)| way.to_str().unwrap().to_owned());
    assert_eq!(location.is_some(), problem.status() == 303);
    location
}

#[test]
fn browsers_are_sent_where_a_page_helps_and_nobody_else_is() {
    assert_eq!(sent("GET", true, false, "user", None).as_deref(), Some("/sign-in?next=/a%3Fb"));
    assert_eq!(sent("HEAD", true, false, "role admin", None).as_deref(), Some("/sign-in?next=/a%3Fb"));
    assert_eq!(sent("GET", true, false, "fresh 1ms", Some(&[])).as_deref(), Some("/confirm?next=/a%3Fb"));
    let factor = sent("GET", true, false, "second factor", Some(&[]));
    assert_eq!(factor.as_deref(), Some("/confirm?need=second-factor&next=/a%3Fb"));
    assert_eq!(sent("GET", false, false, "user", None), None, "a program");
    assert_eq!(sent("POST", true, false, "user", None), None, "what is posted would be lost");
    assert_eq!(sent("GET", true, true, "user", None), None, "a hidden route is not there");
    assert_eq!(sent("GET", true, true, "fresh 1ms", Some(&[])), None);
    assert_eq!(sent("GET", true, false, "role admin", Some(&[])), None, "no page gives a role");
}

#[test]
fn who_cannot_be_known_now_is_asked_to_come_again() {
    assert_eq!(asked(&["user"], false, None, true), Some(503));
    assert_eq!(asked(&["role admin"], true, None, true), Some(503));
}

#[test]
fn a_requirement_is_written_in_words() {
    for bad in ["", "users", "admin", "role", "role ", "role Admin", "role a b", "user admin"] {
        assert!(Requirement::read(&Raw::Text(bad.to_owned())).is_err(), "{bad:?}");
    }
    assert!(Requirement::read(&Raw::Flag(true)).is_err());
    for bad in ["and", "user and", "and key", "user key", "scope", "scope a b", "user and key", "key or user"] {
        assert!(Requirement::read(&Raw::Text(bad.to_owned())).is_err(), "{bad:?}");
    }
    assert!(Requirement::read(&Raw::Text("role a and ".repeat(20) + "user")).is_err(), "it is bounded");
    assert_eq!(requirement(" role  team:blue  and\tkey "), requirement("role team:blue and key"));
}

/// A key of somebody with these roles.
fn key(roles: &[&str], scopes: &[&str]) -> Principal {
    let roles: Vec<_> = roles.iter().map(|role| Role::parse(role).unwrap()).collect();
    let scopes = scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect();
    let facts = KeyFacts { scopes, rate: None, made_at_unix_us: 1, expires_at_unix_us: None };
    Principal::key("k1", "u1", "Ann", &roles, facts).unwrap()
}

#[test]
fn a_key_opens_only_what_speaks_of_keys_or_scopes() {
    let (person, admin) = (principal(&[]), principal(&["admin"]));
    let (reader, admins) = (key(&[], &["orders:read"]), key(&["admin"], &["orders:read"]));
    for (text, expected) in [
        ("known", [true, true, true, true]),
        ("user", [true, true, false, false]),
        ("key", [false, false, true, true]),
        ("role admin", [false, true, false, false]),
        ("key and role admin", [false, false, false, true]),
        ("scope orders:read", [true, true, true, true]),
        ("scope orders:write", [true, true, false, false]),
        ("scope orders:read and role admin", [false, true, false, true]),
        ("scope orders:read and user", [true, true, false, false]),
        ("scope orders:read and key", [false, false, true, true]),
    ] {
        let holds = [&*person, &*admin, &reader, &admins]
            .map(|one| requirement(text).lacks(one, sample_context().now).is_none());
        assert_eq!(holds, expected, "{text}");
    }
}

/// What somebody is told whose proof is so old, with a second factor or without; nothing when the request passes.
fn told(require: &[&str], age_us: u64, second_factor: bool) -> Option<(u16, &'static str)> {
    let guard = AccessGuard::new(require.iter().map(|text| requirement(text)).collect(), false);
    let mut context = sample_context();
    let session = SessionFacts {
        id: "s1".into(),
        authenticated_at_unix_us: context.now.unix_us - age_us,
        expires_at_unix_us: None,
        second_factor,
    };
    context.principal = Principal::user("u1", "Ann", &[], session).map(Arc::new);
    match guard.head(&mut Request::get("/").body(()).unwrap().into_parts().0, &mut context) {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some((problem.status().as_u16(), problem.kind.slug)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proof_that_is_too_old_is_asked_for_again_and_a_second_factor_named() {
    const MINUTE: u64 = 60_000_000;
    assert_eq!(told(&["fresh 5min"], 5 * MINUTE - 1, false), None);
    assert_eq!(told(&["fresh 5min"], 5 * MINUTE, false), Some((401, "confirm-your-identity")));
    assert_eq!(told(&["second factor"], 0, true), None);
    assert_eq!(told(&["second  factor"], 0, false), Some((403, "second-factor-required")));
    assert_eq!(told(&["role admin", "fresh 1 s"], MINUTE, true), Some((401, "confirm-your-identity")));
    assert_eq!(told(&["role admin"], 0, true), Some((403, "not-allowed")));
}

#[test]
fn a_device_opens_only_what_speaks_of_it_and_memberships_are_words() {
    let membership = |role: &str, tier: Option<&str>| {
        let tier = tier.map(|tier| Tier::parse(tier).unwrap());
        Membership::new("o1", Role::parse(role).unwrap(), tier).unwrap()
    };
    let acting = |role, tier| Arc::unwrap_or_clone(principal(&[])).acting_for(membership(role, tier), &[]);
    let (person, admin, pro) = (principal(&["admin"]), acting("admin", None), acting("member", Some("pro")));
    let device = Principal::device("d1", "u1", "Ann", &[Role::parse("admin").unwrap()], 1).unwrap();
    let theirs = device.clone().acting_for(membership("admin", Some("pro")), &[]);
    for (text, expected) in [
        ("known", [true, true, true, true, true]),
        ("user", [true, true, true, false, false]),
        ("device", [false, false, false, true, true]),
        ("key", [false, false, false, false, false]),
        ("role admin", [true, false, false, false, false]),
        ("device and role admin", [false, false, false, true, true]),
        ("organisation role admin", [false, true, false, false, false]),
        ("device and organisation role admin", [false, false, false, false, true]),
        ("tier pro", [false, false, true, false, false]),
        ("known and tier pro", [false, false, true, false, true]),
        ("scope orders:read", [true, true, true, false, false]),
    ] {
        let holds = [&*person, &admin, &pro, &device, &theirs]
            .map(|one| requirement(text).lacks(one, sample_context().now).is_none());
        assert_eq!(holds, expected, "{text}");
    }
    for bad in [
        "organisation",
        "organisation role",
        "organisation admin",
        "organisation roles",
        "tier",
        "tier Pro",
        "user and device",
    ] {
        assert!(Requirement::read(&Raw::Text(bad.to_owned())).is_err(), "{bad:?}");
    }
}
