//! The decision on who a request is from, and one cookie among others.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, Request};
use proptest::prelude::*;
use seawall_core::{
    authenticator::{Authenticator, Credential, Credentials, Found, Presented},
    meter::NoMeter,
    principal::{Principal, Role, SessionFacts},
    reply::{PortError, Reply},
    settings::Raw,
};

use super::{AuthenticationGuard, UNAVAILABLE, values};
use crate::{
    Context, Guard, Head, Verdict,
    authentication::cookie::{self, Sent},
    engine::sample_context,
};

/// Knows one session, and says what else it shall.
#[derive(Debug)]
struct Knows {
    other: Result<(), PortError>,
    later: bool,
    asked: Mutex<Vec<Vec<u8>>>,
}

impl Authenticator for Knows {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        let Credential::Session(value) = presented.credential;
        self.asked.lock().unwrap().push(value.to_vec());
        let found = match (value, self.other) {
            (b"good", _) => Ok(Found::Principal(ann())),
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

fn guard(other: Result<(), PortError>, later: bool, when_unavailable: &str) -> (AuthenticationGuard, Arc<Knows>) {
    let knows = Arc::new(Knows { other, later, asked: Mutex::default() });
    let credentials = Credentials {
        cookie: "__Host-seawall".into(),
        withheld: "__Host-seawall-device".into(),
        authenticator: Arc::clone(&knows) as _,
    };
    let values = values().with("when_unavailable", Raw::Text(when_unavailable.to_owned()));
    (AuthenticationGuard::read(&values, Some(credentials), &NoMeter).unwrap(), knows)
}

fn head(fields: &[(&str, &str)]) -> Head {
    let request = fields.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

async fn ask(guard: &AuthenticationGuard, head: &mut Head, context: &mut Context) -> Verdict {
    match guard.head(head, context) {
        Verdict::Later(wait) => wait.await(head, context),
        verdict => verdict,
    }
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
    let guard = AuthenticationGuard::read(&values(), None, &NoMeter).unwrap();
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
    fn no_field_that_looks_like_ours_passes(name in "[xX][-_][sS][eE][aA][wW][aA][lL][lL][-_][a-zA-Z_-]{0,12}") {
        let guard = AuthenticationGuard::read(&values(), None, &NoMeter).unwrap();
        let mut head = head(&[]);
        head.headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), "forged".parse().unwrap());
        guard.head(&mut head, &mut sample_context());
        prop_assert!(head.headers.is_empty());
    }
}
