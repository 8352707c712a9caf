//! The decision on who a request is from, and one cookie among others.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use seawall_core::{
    authenticator::{
        Authenticator, Credential, Credentials, Found, INVALID_CREDENTIAL, Presented, Prover, RefreshCookie, Refreshed,
        Refresher,
    },
    clock::Now,
    principal::{KeyFacts, Principal, Role, SessionFacts},
    reply::{PortError, Reply},
    scope::Scope,
    settings::Raw,
};

use super::{AuthenticationGuard, ELSEWHERE, UNAVAILABLE, values};
use crate::{
    Context, Guard, Head, Verdict,
    authentication::{
        bearer,
        cookie::{self, Sent},
    },
    engine::{Shared, sample_context},
};

/// Knows one session and some keys, and says what else it shall.
#[derive(Debug)]
struct Knows {
    other: Result<(), PortError>,
    later: bool,
    asked: Mutex<Vec<Vec<u8>>>,
}

impl Authenticator for Knows {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        let value = match presented.credential {
            Credential::Session(value) | Credential::Key(value) => value,
            Credential::Token(token) => {
                let found = match (token, self.other) {
                    (b"our.good.token", _) => Ok(Found::Principal(ann())),
                    (b"our.bad.token", _) => Ok(Found::Refused),
                    (b"our.unsure.token", Err(error)) => Err(error),
                    _ => Ok(Found::Foreign),
                };
                return if self.later { Reply::Later(Box::pin(async { found })) } else { Reply::Ready(found) };
            }
        };
        self.asked.lock().unwrap().push(value.to_vec());
        let found = match (presented.credential, self.other) {
            (Credential::Session(b"good"), _) => Ok(Found::Principal(ann())),
            (Credential::Key(b"sw_live_good"), _) => Ok(Found::Principal(key())),
            (Credential::Key(b"sw_live_elsewhere"), _) => Ok(Found::Elsewhere),
            (_, Ok(())) => Ok(Found::Nobody),
            (_, Err(error)) => Err(error),
        };
        if self.later { Reply::Later(Box::pin(async { found })) } else { Reply::Ready(found) }
    }
}

fn ann() -> Arc<Principal> {
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    Arc::new(Principal::user("u1", "Ann", &[Role::parse("admin").unwrap()], session).unwrap())
}

fn key() -> Arc<Principal> {
    let scopes = [Scope::parse("orders:read").unwrap()].into();
    let facts = KeyFacts { scopes, rate: None, made_at_unix_us: 1, expires_at_unix_us: None };
    Arc::new(Principal::key("k1", "u1", "Ann", &[Role::parse("admin").unwrap()], facts).unwrap())
}

fn shared(credentials: Option<Credentials>) -> Shared {
    Shared { credentials, ..Shared::in_memory() }
}

fn guard(other: Result<(), PortError>, later: bool, when_unavailable: &str) -> (AuthenticationGuard, Arc<Knows>) {
    let knows = Arc::new(Knows { other, later, asked: Mutex::default() });
    let credentials = Credentials {
        withheld: Arc::new(["__Host-seawall-device".into()]),
        ..Credentials::new("__Host-seawall".into(), Arc::clone(&knows) as _)
    };
    let values = values().with("when_unavailable", Raw::Text(when_unavailable.to_owned()));
    (AuthenticationGuard::read(&values, &shared(Some(credentials))).unwrap(), knows)
}

fn head(fields: &[(&str, &str)]) -> Head {
    let request = fields.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

async fn ask(guard: &AuthenticationGuard, head: &mut Head, context: &mut Context) -> Verdict {
    let mut verdict = guard.head(head, context);
    // A token that is another's leaves it to the cookie, which may have to be waited for too.
    while let Verdict::Later(wait) = verdict {
        verdict = wait.await(head, context);
    }
    verdict
}

#[tokio::test]
async fn a_session_makes_the_request_its_owners_and_the_application_learns_whose() {
    for later in [false, true] {
        let (guard, _) = guard(Ok(()), later, "anonymous");
        let mut head = head(&[
            ("cookie", "a=1; __Host-seawall=good; b=2"),
            ("x-seawall-user", "forged"),
            ("x_seawall_roles", "root"),
            ("authorization", "Bearer the-applications-own"),
        ]);
        let mut context = sample_context();
        assert!(matches!(ask(&guard, &mut head, &mut context).await, Verdict::Pass));
        assert_eq!(context.principal, Some(ann()));
        let told =
            |name: &str| head.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(told("x-seawall-user"), ["u1"]);
        assert_eq!(told("x-seawall-user-name"), ["Ann"]);
        assert_eq!(told("x-seawall-roles"), ["admin"]);
        assert_eq!(told("x_seawall_roles"), [""; 0]);
        assert_eq!(told("cookie"), ["a=1; b=2"]);
        assert_eq!(told("authorization"), ["Bearer the-applications-own"]);
    }
}

#[tokio::test]
async fn what_strangers_say_of_themselves_is_removed_without_identity_too() {
    let guard = AuthenticationGuard::read(&values(), &shared(None)).unwrap();
    let mut head =
        head(&[("x-seawall-user", "forged"), ("x-seawall_user", "forged"), ("cookie", "__Host-seawall=good")]);
    assert!(matches!(ask(&guard, &mut head, &mut sample_context()).await, Verdict::Pass));
    assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
    assert_eq!(head.headers["cookie"], "__Host-seawall=good");
}

#[tokio::test]
async fn an_unknown_session_is_nobodys_and_stays_here() {
    let (guard, knows) = guard(Ok(()), false, "closed");
    for (cookies, asked) in [
        ("__Host-seawall=bad", true),
        ("__Host-seawall=good; __Host-seawall=bad", false),
        ("__Host-seawall=bad; __Host-seawall=good", false),
        ("__host-seawall=good", false),
        ("x__Host-seawall=good", false),
    ] {
        knows.asked.lock().unwrap().clear();
        let (mut head, mut context) = (head(&[("cookie", cookies)]), sample_context());
        assert!(matches!(ask(&guard, &mut head, &mut context).await, Verdict::Pass));
        assert_eq!((context.principal, context.unproven), (None, None), "{cookies}");
        assert_eq!(!knows.asked.lock().unwrap().is_empty(), asked, "{cookies}");
    }
}

#[tokio::test]
async fn a_token_of_ours_decides_before_the_cookie_and_one_that_does_not_hold_is_nobodys_way_in() {
    for later in [false, true] {
        let (guard, _) = guard(Err(PortError::Unavailable), later, "anonymous");
        let with = |token: &str| head(&[("authorization", token), ("cookie", "a=1; __Host-seawall=good")]);
        let (mut good, mut context) = (with("Bearer our.good.token"), sample_context());
        assert!(matches!(ask(&guard, &mut good, &mut context).await, Verdict::Pass));
        assert_eq!(context.principal, Some(ann()));
        assert!(!good.headers.contains_key("authorization"));
        assert_eq!(lines(&good.headers), ["a=1"]);
        let verdict = ask(&guard, &mut with("Bearer our.bad.token"), &mut sample_context()).await;
        assert!(matches!(verdict, Verdict::Refuse(problem) if problem.kind.slug == "invalid-credential"));
        let (mut unsure, mut context) = (with("Bearer our.unsure.token"), sample_context());
        assert!(matches!(ask(&guard, &mut unsure, &mut context).await, Verdict::Pass));
        assert_eq!((context.principal, context.unproven), (None, Some(PortError::Unavailable)));
        let (mut foreign, mut context) = (with("Bearer their.own.token"), sample_context());
        assert!(matches!(ask(&guard, &mut foreign, &mut context).await, Verdict::Pass));
        assert_eq!(foreign.headers["authorization"], "Bearer their.own.token");
        assert_eq!(context.principal, Some(ann()), "the cookie says who it is");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_leaves_the_decision_to_the_route_or_closes() {
    for later in [false, true] {
        let presented = || head(&[("cookie", "__Host-seawall=any")]);
        let (open, _) = guard(Err(PortError::Unavailable), later, "anonymous");
        let mut context = sample_context();
        assert!(matches!(ask(&open, &mut presented(), &mut context).await, Verdict::Pass));
        assert_eq!(context.unproven, Some(PortError::Unavailable));
        let (closed, _) = guard(Err(PortError::Unavailable), later, "closed");
        let verdict = ask(&closed, &mut presented(), &mut sample_context()).await;
        assert!(matches!(verdict, Verdict::Refuse(problem) if problem.kind.slug == UNAVAILABLE.slug));
        // Who shows nothing is not kept waiting for anything.
        assert!(matches!(ask(&closed, &mut head(&[]), &mut sample_context()).await, Verdict::Pass));
    }
}

/// Takes no refresh token.
#[derive(Debug)]
struct TakesNone;

impl Refresher for TakesNone {
    fn refresh(&self, _: &[u8], _: &Presented<'_>) -> Reply<Option<Refreshed>> {
        Reply::Ready(Ok(None))
    }
}

/// Cannot sign.
#[derive(Debug)]
struct HasNoKey;

impl Prover for HasNoKey {
    fn prove(&self, _: &Principal, _: Now) -> Option<HeaderValue> {
        None
    }
}

/// A guard of browsers that keep tokens, which cannot sign proof.
fn token_guard(other: Result<(), PortError>, later: bool) -> AuthenticationGuard {
    let knows = Arc::new(Knows { other, later, asked: Mutex::default() });
    let credentials = Credentials {
        refresh: Some(RefreshCookie { name: "__Host-seawall_refresh".into(), refresher: Arc::new(TakesNone) }),
        prover: Some(Arc::new(HasNoKey)),
        ..Credentials::new("__Host-seawall".into(), knows)
    };
    let values = values().with("when_unavailable", Raw::Text("anonymous".to_owned()));
    AuthenticationGuard::read(&values, &shared(Some(credentials))).unwrap()
}

#[tokio::test]
async fn what_is_seawalls_stays_here_also_when_it_cannot_be_looked_at_or_comes_twice() {
    for later in [false, true] {
        for fields in [
            &[
                ("authorization", "Bearer our.unsure.token"),
                ("cookie", "__Host-seawall=a; __Host-seawall_refresh=b; c=1"),
            ][..],
            &[("cookie", "__Host-seawall_refresh=b; c=1; __Host-seawall_refresh=d")],
            &[("cookie", "__Host-seawall_refresh=b; c=1")],
        ] {
            let guard = token_guard(Err(PortError::Unavailable), later);
            let mut head = head(fields);
            assert_eq!(refused(&ask(&guard, &mut head, &mut sample_context()).await), None, "{fields:?}");
            assert_eq!(lines(&head.headers), ["c=1"], "{fields:?}");
            assert_eq!(head.headers.len(), 1, "{fields:?}");
        }
    }
}

#[tokio::test]
async fn without_proof_a_person_is_nobody_and_a_program_is_refused() {
    for later in [false, true] {
        let guard = token_guard(Ok(()), later);
        let mut context = sample_context();
        let mut person = head(&[("authorization", "Bearer our.good.token")]);
        assert_eq!(refused(&ask(&guard, &mut person, &mut context).await), None);
        assert_eq!((context.principal, person.headers.len()), (None, 0));
        let verdict = ask(&guard, &mut head(&[("x-api-key", "sw_live_good")]), &mut sample_context()).await;
        assert_eq!(refused(&verdict), Some(UNAVAILABLE.slug));
    }
}

/// The slug of a refusal.
fn refused(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem.kind.slug),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_counts_before_a_cookie_and_stays_here() {
    for later in [false, true] {
        let (guard, knows) = guard(Ok(()), later, "anonymous");
        for (name, value) in [
            ("x-api-key", "sw_live_good"),
            ("authorization", "Bearer sw_live_good"),
            ("authorization", "bearer   sw_live_good "),
        ] {
            knows.asked.lock().unwrap().clear();
            let mut head = head(&[
                (name, value),
                ("cookie", "__Host-seawall=good; b=2"),
                ("x-seawall-key", "forged"),
                ("x_seawall-scopes", "root"),
            ]);
            let mut context = sample_context();
            assert_eq!(refused(&ask(&guard, &mut head, &mut context).await), None);
            assert_eq!(context.principal, Some(key()), "{value}");
            assert_eq!(*knows.asked.lock().unwrap(), [b"sw_live_good".to_vec()], "the session is not looked at");
            let mut told: Vec<_> =
                head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            told.sort_unstable();
            assert_eq!(
                told,
                [
                    ("cookie", "b=2"),
                    ("x-seawall-key", "k1"),
                    ("x-seawall-roles", "admin"),
                    ("x-seawall-scopes", "orders:read"),
                    ("x-seawall-user", "u1"),
                    ("x-seawall-user-name", "Ann"),
                ]
            );
        }
    }
}

#[tokio::test]
async fn a_key_that_does_not_hold_is_refused_and_is_not_nobodys() {
    for later in [false, true] {
        let (guard, knows) = guard(Ok(()), later, "anonymous");
        for (fields, slug) in [
            (&[("x-api-key", "sw_live_bad"), ("cookie", "__Host-seawall=good")][..], INVALID_CREDENTIAL.slug),
            (&[("authorization", "Bearer sw_")], INVALID_CREDENTIAL.slug),
            (&[("x-api-key", "sw_live_good"), ("x-api-key", "sw_live_other")], INVALID_CREDENTIAL.slug),
            (&[("x-api-key", "sw_live_good"), ("authorization", "Bearer sw_live_other")], INVALID_CREDENTIAL.slug),
            (&[("x-api-key", "sw_live_elsewhere")], ELSEWHERE.slug),
        ] {
            let mut context = sample_context();
            assert_eq!(refused(&ask(&guard, &mut head(fields), &mut context).await), Some(slug), "{fields:?}");
            assert_eq!(context.principal, None);
        }
        knows.asked.lock().unwrap().clear();
        let mut own = head(&[("x-api-key", "the-applications-own"), ("authorization", "Basic sw_live_bad")]);
        assert_eq!(refused(&ask(&guard, &mut own, &mut sample_context()).await), None);
        assert_eq!((own.headers.len(), knows.asked.lock().unwrap().len()), (2, 0), "what is not ours passes untouched");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_refused_whatever_the_route_wants() {
    for when_unavailable in ["anonymous", "closed"] {
        let (guard, _) = guard(Err(PortError::Unavailable), false, when_unavailable);
        let verdict = ask(&guard, &mut head(&[("x-api-key", "sw_live_x")]), &mut sample_context()).await;
        assert_eq!(refused(&verdict), Some(UNAVAILABLE.slug));
    }
}

fn lines(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("cookie").iter().map(|line| line.to_str().unwrap()).collect()
}

#[test]
fn a_cookie_is_removed_from_all_lines_and_others_stay_as_they_are() {
    let mut headers = HeaderMap::new();
    for line in ["s=1", "a=b;  c=\"d\"", "x=1;s=2; s=3 ;y", "s = 4"] {
        headers.append("cookie", line.parse().unwrap());
    }
    assert_eq!(cookie::find(&headers, "s"), Sent::Ambiguous);
    cookie::remove(&mut headers, "s");
    assert_eq!(lines(&headers), ["a=b;  c=\"d\"", "x=1; y"]);
    assert_eq!(cookie::find(&headers, "s"), Sent::Nothing);
}

proptest! {
    #[test]
    fn whatever_a_cookie_line_is_the_removed_one_is_not_found_again(line in "[ -~]{0,60}") {
        let mut headers = HeaderMap::new();
        headers.append("cookie", line.parse().unwrap());
        headers.append("cookie", format!("s=1; {line}").parse().unwrap());
        cookie::remove(&mut headers, "s");
        prop_assert_eq!(cookie::find(&headers, "s"), Sent::Nothing);
    }

    #[test]
    fn whatever_stands_in_its_fields_a_key_that_was_removed_is_not_found_again(one in "[ -~]{0,40}", other in "(Bearer|bearer) *(sw_)?[a-z]{0,4}") {
        let mut headers = HeaderMap::new();
        for name in ["x-api-key", "authorization"] {
            headers.append(name, one.parse().unwrap());
            headers.append(name, other.parse().unwrap());
            headers.append(name, "Bearer sw_live_x".parse().unwrap());
            headers.append(name, "sw_live_x".parse().unwrap());
        }
        bearer::remove(&mut headers);
        prop_assert_eq!(bearer::find(&headers), Sent::Nothing);
        prop_assert!(headers.get_all("authorization").iter().any(|value| value == "sw_live_x"), "that is none of ours");
    }

    #[test]
    fn no_field_that_looks_like_ours_passes(name in "[xX][-_][sS][eE][aA][wW][aA][lL][lL][-_][a-zA-Z_-]{0,12}") {
        let guard = AuthenticationGuard::read(&values(), &shared(None)).unwrap();
        let mut head = head(&[]);
        head.headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), "forged".parse().unwrap());
        guard.head(&mut head, &mut sample_context());
        prop_assert!(head.headers.is_empty());
    }
}
