//! What a route says of keys, by itself; that every store keeps the port's contract is shown in the product's tests.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header::AUTHORIZATION};
use seawall_core::{
    Environment,
    clock::Now,
    idempotency::{
        Answered, Begin, Claim, Ending, Fingerprinting, IdempotencyStore, Key, Lease, Scope, Settled, StoredAnswer,
        Unknown, When,
    },
    reply::{PortError, Reply},
    settings::{Raw, Situation, Values},
};

use super::*;
use crate::{Context, Head, engine::sample_context};

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn rules(values: &Values) -> Rules {
    Rules::read(values).unwrap()
}

fn head(method: Method, fields: &[(&'static str, &str)]) -> Head {
    let mut head = Request::builder().method(method).uri("/orders").body(()).unwrap().into_parts().0;
    for &(name, value) in fields {
        head.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    head
}

/// What a request asks for, in a word.
fn asked(rules: &Rules, head: &Head) -> String {
    match rules.asked(head) {
        Asked::Nothing => "nothing".to_owned(),
        Asked::Once(key) => format!("once {}", key.as_str()),
        Asked::Refused(problem) => format!("{} {}", problem.status().as_u16(), problem.kind.slug),
    }
}

/// A step in a word, with the seconds to wait.
fn step(step: &Step) -> String {
    match step {
        Step::Send(_) => "send".to_owned(),
        Step::SendUnprotected => "send unprotected".to_owned(),
        Step::Answer(answer) => format!("answer {}", answer.status().as_u16()),
        Step::Refuse(problem) => {
            format!("{} {} {:?}", problem.status().as_u16(), problem.kind.slug, problem.retry_after)
        }
    }
}

#[test]
fn wk_13_requests_that_change_something_are_carried_out_once_for_a_key() {
    let rules = rules(&values());
    let key = [("idempotency-key", "\"k 1\"")];
    assert_eq!(asked(&rules, &head(Method::POST, &key)), "once k 1");
    assert_eq!(asked(&rules, &head(Method::PATCH, &[("idempotency-key", "k")])), "once k");
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(asked(&rules, &head(method, &key)), "nothing");
    }
    assert_eq!(asked(&rules, &head(Method::POST, &[])), "nothing");
}

#[test]
fn wk_13_a_key_that_is_missing_or_cannot_be_read_is_400() {
    let required = rules(&values().with("required", Raw::Flag(true)));
    assert_eq!(asked(&required, &head(Method::POST, &[])), "400 idempotency-key-missing");
    assert_eq!(asked(&required, &head(Method::GET, &[])), "nothing");
    for bad in ["", "\"", "a, b", "\"a\", \"b\""] {
        assert_eq!(asked(&required, &head(Method::POST, &[("idempotency-key", bad)])), "400 idempotency-key-invalid");
    }
    let twice = head(Method::POST, &[("idempotency-key", "a"), ("idempotency-key", "a")]);
    assert_eq!(asked(&required, &twice), "400 idempotency-key-invalid");
    let other = rules(&values().with("header", text("X-Request-Key")));
    assert_eq!(asked(&other, &head(Method::POST, &[("x-request-key", "a")])), "once a");
    assert_eq!(asked(&other, &head(Method::POST, &[("idempotency-key", "a")])), "nothing");
}

#[test]
fn wk_13_each_claim_has_its_answer() {
    let rules = rules(&values());
    for (claim, expected) in [
        (Ok(Claim::InFlight { for_us: 0 }), "409 idempotency-in-flight Some(1)"),
        (Ok(Claim::InFlight { for_us: 7_900_000 }), "409 idempotency-in-flight Some(7)"),
        (Ok(Claim::InFlight { for_us: u64::MAX }), "409 idempotency-in-flight Some(30)"),
        (Ok(Claim::Mismatch), "422 idempotency-key-reused None"),
        (Ok(Claim::Unknown), "409 idempotency-outcome-unknown None"),
        (Ok(Claim::NotKept(StatusCode::CREATED)), "409 idempotency-answer-not-kept None"),
        (Err(PortError::Full), "429 idempotency-keys-spent Some(30)"),
        (Err(PortError::Unavailable), "503 idempotency-unavailable Some(1)"),
        (Err(PortError::TimedOut), "503 idempotency-unavailable Some(1)"),
    ] {
        assert_eq!(step(&rules.decide(claim)), expected);
    }
    let open = self::rules(&values().with("when_unavailable", text("open")));
    assert_eq!(step(&open.decide(Err(PortError::Unavailable))), "send unprotected");
    assert_eq!(
        step(&open.decide(Err(PortError::Full))),
        "429 idempotency-keys-spent Some(30)",
        "the store has answered"
    );
}

#[test]
fn wk_13_a_replay_is_marked() {
    let headers = HeaderMap::from_iter([(http::header::LOCATION, HeaderValue::from_static("/orders/1"))]);
    let stored = StoredAnswer { status: StatusCode::CREATED, headers, body: Bytes::from_static(b"{}") };
    let Step::Answer(answer) = rules(&values()).decide(Ok(Claim::Replay(stored))) else { panic!("an answer") };
    assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::CREATED, &b"{}"[..]));
    assert_eq!(answer.headers()[&REPLAYED], "true");
    assert_eq!(answer.headers()[http::header::LOCATION], "/orders/1");
}

#[test]
fn what_is_kept_follows_from_the_answer() {
    let rules = rules(&values().with("max_answer", text("1 KiB")));
    let of = |status: u16, body: Option<&'static [u8]>| {
        let status = StatusCode::from_u16(status).unwrap();
        rules.answered(status, &HeaderMap::new(), body.map(Bytes::from_static))
    };
    let kept = StoredAnswer { status: StatusCode::CREATED, headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    assert_eq!(of(201, Some(b"{}")), Ending::Completed(Answered::Kept(kept)));
    let not_kept = Ending::Completed(Answered::NotKept(StatusCode::CREATED));
    assert_eq!(of(201, Some(&[b'a'; 1_025])), not_kept);
    assert_eq!(of(201, None), not_kept, "a body that is not whole");
    assert_eq!(of(503, None), Ending::Released);
    assert_eq!(of(504, Some(b"")), Ending::Abandoned);
    assert_eq!((unanswered(false), unanswered(true)), (Ending::Released, Ending::Abandoned));
}

#[test]
fn an_answer_that_could_not_be_kept_is_not_shown_unless_the_route_says_so() {
    let slug = |rules: &Rules, settled| rules.settled(settled).map(|problem| problem.kind.slug);
    let (closed, open) = (rules(&values()), rules(&values().with("when_unavailable", text("open"))));
    assert_eq!(slug(&closed, Ok(Settled::Kept)), None);
    assert_eq!(slug(&closed, Err(PortError::TimedOut)), Some("idempotency-unavailable"));
    assert_eq!(slug(&open, Err(PortError::TimedOut)), None);
    assert_eq!(slug(&open, Ok(Settled::TooLate)), Some("idempotency-outcome-unknown"));
}

#[test]
fn a_caller_is_who_is_known_else_the_credential_else_the_address() {
    let of = |fields: &[(&'static str, &str)], change: &dyn Fn(&mut Context)| {
        let mut context = sample_context();
        change(&mut context);
        caller(&head(Method::POST, fields), &context)
    };
    let bearer = [(AUTHORIZATION.as_str(), "Bearer a")];
    let elsewhere = |context: &mut Context| context.client = std::net::IpAddr::from([192, 0, 2, 1]);
    assert_eq!(of(&bearer, &|_| {}), of(&bearer, &elsewhere), "wherever the credential is shown");
    assert_ne!(of(&[], &|_| {}), of(&[], &elsewhere));
    assert_ne!(of(&bearer, &|_| {}), of(&[(AUTHORIZATION.as_str(), "Bearer b")], &|_| {}));
}

#[test]
fn only_methods_that_change_something_and_names_of_fields_are_taken() {
    let situation = Situation { environment: Environment::Production, written: true };
    let complaints = |values: &Values| {
        let all = (SECTION.demands)(values, &situation);
        all.into_iter().filter_map(|complaint| complaint.key).collect::<Vec<_>>()
    };
    assert_eq!(complaints(&values()), Vec::<&str>::new());
    for bad in ["GET", "post", "CONNECT", "a b"] {
        assert_eq!(complaints(&values().with("methods", Raw::List(vec![text(bad)]))), ["methods"], "{bad}");
    }
    assert_eq!(complaints(&values().with("header", text("a b"))), ["header"]);
}

/// An attempt in memory.
fn begin(store: &MemoryAttempts, caller: &str, key: &str, now_us: u64) -> Result<Claim, PortError> {
    let context = sample_context();
    let fields = [(AUTHORIZATION.as_str(), caller)];
    let key = Key::parse(key.as_bytes()).unwrap();
    let fingerprint = Fingerprinting::of(&Method::POST, &"/".parse().unwrap()).finish();
    let begin = Begin {
        scope: Scope { caller: super::caller(&head(Method::POST, &fields), &context), route: "*" },
        key: &key,
        fingerprint: &fingerprint,
        ttl_us: 100,
        lease_us: 10,
        unknown: Unknown::Conflict,
        when: when(now_us),
    };
    let Reply::Ready(claim) = store.begin(&begin) else { panic!("memory answers at once") };
    claim
}

const fn when(now_us: u64) -> When {
    When { now: Now { monotonic_us: now_us, unix_us: 0 }, deadline_us: u64::MAX }
}

fn leased(store: &MemoryAttempts, caller: &str, key: &str, now_us: u64) -> Lease {
    let Ok(Claim::Fresh(lease)) = begin(store, caller, key, now_us) else { panic!("{key} at {now_us}") };
    lease
}

fn complete(store: &MemoryAttempts, lease: &Lease, body: &'static [u8], now_us: u64) {
    let answered = Answered::of(StatusCode::OK, &HeaderMap::new(), Bytes::from_static(body), 1_000);
    let Reply::Ready(settled) = store.settle(lease, Ending::Completed(answered), when(now_us)) else { panic!("later") };
    assert_eq!(settled, Ok(Settled::Kept));
}

#[test]
fn memory_is_bounded_by_keys_callers_and_bytes_and_nothing_is_pushed_out() {
    let store = MemoryAttempts::new(MemoryBounds { keys: 3, keys_per_caller: 2, bytes: 5 });
    complete(&store, &leased(&store, "ann", "1", 0), b"1234", 0);
    complete(&store, &leased(&store, "ann", "2", 0), b"12", 0);
    assert!(matches!(begin(&store, "ann", "3", 1), Err(PortError::Full)), "a third key of ann");
    let _bobs = leased(&store, "bob", "1", 50);
    assert!(matches!(begin(&store, "eve", "1", 51), Err(PortError::Full)), "a fourth key of all");
    assert!(matches!(begin(&store, "ann", "1", 51), Ok(Claim::Replay(_))));
    assert!(matches!(begin(&store, "ann", "2", 51), Ok(Claim::NotKept(StatusCode::OK))), "without room for its bytes");
    // What has expired makes room.
    complete(&store, &leased(&store, "ann", "3", 100), b"12345", 100);
    assert!(matches!(begin(&store, "ann", "3", 101), Ok(Claim::Replay(_))));
}
