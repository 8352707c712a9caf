//! How often a person, a key, an organisation may ask: exactly, with a clock that is moved.

use std::{collections::HashMap, sync::Arc};

use http::{HeaderMap, Request, Response};
use proptest::prelude::*;
use seawall_core::{
    clock::Now,
    limit::{Quota, RateStore, ScopedQuota},
    membership::{Membership, Tier},
    meter::NoMeter,
    principal::{KeyFacts, Principal, Role, SessionFacts},
    settings::Raw,
};

use super::{PrincipalRateLimitGuard, *};
use crate::{Guard, Verdict, engine::sample_context};

fn person(id: &str) -> Principal {
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    Principal::user(id, "Ann", &[], session).unwrap()
}

fn key(id: &str, owner: &str, rate: Option<&str>) -> Principal {
    let rate = rate.map(|rate| ScopedQuota::named("api_key", Quota::parse_for_key(rate).unwrap()));
    let facts = KeyFacts { scopes: Arc::new([]), rate, made_at_unix_us: 1, expires_at_unix_us: None };
    Principal::key(id, owner, "Ann", &[], facts).unwrap()
}

fn in_organisation(principal: Principal, organisation: &str, tier: &[&str]) -> Arc<Principal> {
    let tier = tier.iter().map(|text| Quota::parse(text).unwrap()).collect::<Vec<_>>();
    let membership =
        Membership::new(organisation, Role::parse("member").unwrap(), Some(Tier::parse("pro").unwrap())).unwrap();
    Arc::new(principal.acting_for(membership, &ScopedQuota::all("tier", &tier)))
}

fn guard_of(limits: &[&str], scope: &str, store: Arc<dyn RateStore>) -> PrincipalRateLimitGuard {
    let limits = limits.iter().map(|text| Raw::Text((*text).to_owned())).collect();
    let values = values().with("limits", Raw::List(limits));
    PrincipalRateLimitGuard::read(&values, scope, scope == "*", store).unwrap()
}

fn guard(limits: &[&str]) -> PrincipalRateLimitGuard {
    guard_of(limits, "*", MemoryRates::new(4_096, &NoMeter))
}

/// Whether the request passes, what the refusal says, and the fields of the answer.
fn ask(
    guard: &PrincipalRateLimitGuard,
    principal: &Arc<Principal>,
    method: &str,
    now_us: u64,
) -> (bool, String, HeaderMap) {
    let (mut head, ()) = Request::builder().method(method).body(()).unwrap().into_parts();
    let mut context = sample_context();
    context.now = Now { monotonic_us: now_us, unix_us: now_us };
    context.principal = Some(Arc::clone(principal));
    let (passes, detail) = match guard.head(&mut head, &mut context) {
        Verdict::Pass => (true, String::new()),
        Verdict::Refuse(problem) => {
            assert_eq!(problem.kind.slug, LIMITED.slug);
            (false, problem.detail.clone().unwrap_or_default().into_owned())
        }
        other => panic!("{other:?}"),
    };
    let (mut answer, ()) = Response::new(()).into_parts();
    guard.dress(&mut answer, &context);
    (passes, detail, answer.headers)
}

fn passes(guard: &PrincipalRateLimitGuard, principal: &Arc<Principal>, now_us: u64) -> bool {
    ask(guard, principal, "GET", now_us).0
}

const S: u64 = 1_000_000;

#[test]
fn a_person_is_counted_with_all_keys_and_each_key_by_itself() {
    let guard = guard(&["3/min per user", "2/min per key"]);
    let (ann, one, other) = (Arc::new(person("u1")), Arc::new(key("k1", "u1", None)), Arc::new(key("k2", "u1", None)));
    assert!([&ann, &one, &one].iter().all(|who| passes(&guard, who, S)));
    for who in [&ann, &one, &other] {
        assert!(!passes(&guard, who, S), "the person has made three");
    }
    assert!(passes(&guard, &Arc::new(person("u2")), S), "another has not");
    assert!(passes(&guard, &Arc::new(key("k1", "u1", None)), 61 * S + S / 2), "a minute later");
}

#[test]
fn what_does_not_fit_one_limit_is_counted_in_none() {
    let guard = guard(&["10/min per user", "2/min per org"]);
    let [ann, bob] = ["u1", "u2"].map(|id| in_organisation(person(id), "o1", &[]));
    assert!(passes(&guard, &ann, S) && passes(&guard, &bob, S));
    for _ in 0..20 {
        let (passed, detail, headers) = ask(&guard, &ann, "GET", S);
        assert_eq!((passed, &*detail), (false, "Your organisation has made as many requests as it may for now."));
        assert!(headers["ratelimit"].to_str().unwrap().starts_with("\"2/min per org\";r=0;t="), "{headers:?}");
    }
    let elsewhere = in_organisation(person("u1"), "o2", &[]);
    let (passed, _, headers) = ask(&guard, &elsewhere, "GET", S);
    assert!(passed, "what the organisation refused cost the person nothing");
    assert_eq!(headers["x-ratelimit-remaining"], "1", "the other organisation's is the tightest");
    let alone = Arc::new(person("u1"));
    let (_, _, headers) = ask(&guard, &alone, "GET", S);
    assert_eq!(headers["ratelimit"], "\"10/min per user\";r=7;t=61");
}

#[test]
fn a_tier_takes_the_place_of_the_general_limits_and_those_of_a_route_hold_beside_it() {
    let store = MemoryRates::new(4_096, &NoMeter);
    let general = guard_of(&["1/min per user"], "*", Arc::clone(&store) as _);
    let route = guard_of(&["2/min per user"], "POST /export", Arc::clone(&store) as _);
    let ann = in_organisation(person("u1"), "o1", &["4/min per user"]);
    assert!(passes(&general, &ann, S) && passes(&general, &ann, S), "the tier allows four");
    let (passed, _, headers) = ask(&route, &ann, "GET", S);
    assert!(passed && passes(&route, &ann, S));
    let policies: Vec<_> = headers.get_all("ratelimit-policy").iter().collect();
    assert_eq!(policies, ["\"2/min per user\";q=2;w=60", "\"4/min per user\";q=4;w=60"]);
    assert!(!passes(&route, &ann, S) && !passes(&general, &ann, S));
    let free = Arc::new(person("u2"));
    assert_eq!([passes(&general, &free, S), passes(&general, &free, S)], [true, false]);
}

#[test]
fn another_tier_goes_on_with_what_was_counted() {
    let guard = guard(&[]);
    let (small, large) = (
        in_organisation(person("u1"), "o1", &["2/min per user"]),
        in_organisation(person("u1"), "o1", &["5/min per user"]),
    );
    assert!(passes(&guard, &small, S) && passes(&guard, &small, S) && !passes(&guard, &small, S));
    assert_eq!([(); 4].map(|()| passes(&guard, &large, S)), [true, true, true, false]);
}

#[test]
fn a_rate_of_its_own_refuses_a_key_with_the_fields_that_say_how_it_stands() {
    let guard = guard(&[]);
    let rated = Arc::new(key("k1", "u1", Some("2/min")));
    assert!(passes(&guard, &rated, S) && passes(&guard, &rated, S));
    let (passed, detail, headers) = ask(&guard, &rated, "GET", S);
    assert_eq!((passed, &*detail), (false, "This key has made as many requests as it may for now."));
    assert_eq!(headers["ratelimit"], "\"2/min per key\";r=0;t=61");
    assert_eq!(headers["ratelimit-policy"], "\"2/min per key\";q=2;w=60");
    assert!(passes(&guard, &Arc::new(key("k2", "u1", None)), S));
}

#[test]
fn limits_for_unsafe_methods_leave_reading_alone_and_strangers_are_not_counted() {
    let guard = guard(&["1/min per user for unsafe methods", "5/min per ip"]);
    let ann = Arc::new(person("u1"));
    assert!((0..10).all(|_| passes(&guard, &ann, S)));
    assert_eq!([ask(&guard, &ann, "POST", S).0, ask(&guard, &ann, "DELETE", S).0], [true, false]);
    let (mut head, ()) = Request::new(()).into_parts();
    assert!((0..10).all(|_| matches!(guard.head(&mut head, &mut sample_context()), Verdict::Pass)));
}

#[test]
fn the_answer_tells_of_whichever_limit_is_closer() {
    let store = MemoryRates::new(4_096, &NoMeter);
    let by_principal = guard_of(&["5/min per user"], "*", Arc::clone(&store) as _);
    for (by_address, told) in
        [("9/min per ip", "\"5/min per user\";r=4;t=60"), ("2/min per ip", "\"2/min per ip\";r=1;t=60")]
    {
        let limits = values().with("limits", Raw::List(vec![Raw::Text(by_address.to_owned())]));
        let address = RateLimitGuard::read(&limits, by_address, Arc::clone(&store) as _).unwrap().unwrap();
        let (mut head, ()) = Request::new(()).into_parts();
        let mut context = sample_context();
        context.principal = Some(Arc::new(person(by_address)));
        assert!(matches!(address.head(&mut head, &mut context), Verdict::Pass));
        assert!(matches!(by_principal.head(&mut head, &mut context), Verdict::Pass));
        let (mut answer, ()) = Response::new(()).into_parts();
        by_principal.dress(&mut answer, &context);
        address.dress(&mut answer, &context);
        assert_eq!(answer.headers["ratelimit"], told);
    }
}

proptest! {
    /// Whoever asks, however often: never more than N of a person, a key or an organisation in any window, and whatever fits is let in.
    #[test]
    fn never_more_than_each_limit_in_any_window_and_never_less(
        asks in prop::collection::vec((0_usize..4, 0_usize..3, 0_usize..2, 1_u64..4_000_000), 1..300),
    ) {
        let limits = [(3_usize, "3/10s per user"), (2, "2/10s per key"), (5, "5/10s per org")];
        let guard = guard(&limits.map(|(_, text)| text));
        let mut accepted: HashMap<String, Vec<u64>> = HashMap::new();
        let mut now_us = S;
        for (user, credential, organisation, gap_us) in asks {
            now_us += gap_us;
            let (user, organisation) = (format!("user-{user}"), format!("organisation-{organisation}"));
            let own = format!("{user}-key-{credential}");
            let principal = if credential == 0 { person(&user) } else { key(&own, &user, None) };
            let names = [(0, Some(&user)), (1, Some(&own).filter(|_| credential > 0)), (2, Some(&organisation))];
            let names = names.into_iter().filter_map(|(limit, name)| Some((limits[limit].0, name?.clone())));
            let names: Vec<_> = names.collect();
            let room = |slack_us: u64| names.iter().all(|(most, name)| {
                let times = accepted.get(name).map(Vec::as_slice).unwrap_or_default();
                times.iter().filter(|&&at| at + 10 * S + slack_us > now_us).count() < *most
            });
            // One per cent of the window is what the window of core may be late by.
            let (must, may) = (room(10 * S / 100), room(0));
            let passed = passes(&guard, &in_organisation(principal, &organisation, &[]), now_us);
            prop_assert!(passed || !must, "{names:?} at {now_us} fits and was refused");
            prop_assert!(!passed || may, "{names:?} at {now_us} is one too many");
            if passed {
                for (_, name) in names {
                    accepted.entry(name).or_default().push(now_us);
                }
            }
        }
    }
}
