//! The whole table of decisions.

use proptest::prelude::*;

use super::*;

const METHODS: [(&str, bool); 10] = [
    ("GET", true),
    ("HEAD", true),
    ("OPTIONS", true),
    ("TRACE", true),
    ("PUT", true),
    ("DELETE", true),
    ("POST", false),
    ("PATCH", false),
    ("CONNECT", false),
    ("get", false),
];

fn rules() -> RetryRules {
    RetryRules { attempts: 3, statuses: vec![502, 503] }
}

/// Whether the first failure of such a request is followed by another attempt.
fn again(method: &str, keyed: Keyed, body: Replay, failure: Failure) -> bool {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    rules().decide(&Attempt { method: &method, keyed, body, made: 1 }, failure) == Decision::Again
}

#[test]
fn what_was_not_sent_is_always_tried_again() {
    for (method, _) in METHODS {
        for body in [Replay::Possible, Replay::Impossible] {
            assert!(again(method, Keyed::No, body, Failure::NothingSent), "{method}");
        }
    }
}

#[test]
fn what_was_not_looked_at_is_tried_again_while_its_body_is_held() {
    for (method, _) in METHODS {
        assert!(again(method, Keyed::No, Replay::Possible, Failure::Unprocessed), "{method}");
        assert!(!again(method, Keyed::Yes, Replay::Impossible, Failure::Unprocessed), "{method}");
    }
}

#[test]
fn what_may_have_been_carried_out_is_tried_again_when_that_does_no_harm() {
    for (method, idempotent) in METHODS {
        for failure in [Failure::Broken, Failure::Status(503)] {
            assert_eq!(again(method, Keyed::No, Replay::Possible, failure), idempotent, "{method}");
            assert!(again(method, Keyed::Yes, Replay::Possible, failure), "{method}");
            assert!(!again(method, Keyed::Yes, Replay::Impossible, failure), "{method}");
        }
    }
}

#[test]
fn only_listed_statuses_are_tried_again() {
    assert!(!again("GET", Keyed::Yes, Replay::Possible, Failure::Status(500)));
    let attempt = Attempt { method: &Method::GET, keyed: Keyed::Yes, body: Replay::Possible, made: 1 };
    assert_eq!(RetryRules::default().decide(&attempt, Failure::Status(503)), Decision::GiveUp);
}

#[test]
fn attempts_end() {
    for (attempts, made, again) in [(0, 1, false), (1, 1, false), (2, 1, true), (3, 2, true), (3, 3, false)] {
        let attempt = Attempt { method: &Method::GET, keyed: Keyed::No, body: Replay::Possible, made };
        let rules = RetryRules { attempts, ..rules() };
        assert_eq!(rules.decide(&attempt, Failure::NothingSent) == Decision::Again, again, "{made} of {attempts}");
    }
}

proptest! {
    #[test]
    fn time_that_is_up_stays_up(method in 0..METHODS.len(), keyed: bool, replay: bool) {
        let keyed = if keyed { Keyed::Yes } else { Keyed::No };
        let body = if replay { Replay::Possible } else { Replay::Impossible };
        prop_assert!(!again(METHODS[method].0, keyed, body, Failure::TimedOut));
    }
}
