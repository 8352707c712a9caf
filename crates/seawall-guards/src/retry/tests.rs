//! The rules by themselves; that requests are sent again is tested over sockets.

use seawall_core::{
    Environment,
    settings::{Raw, Situation},
};

use super::*;
use crate::Guard;

#[test]
fn the_section_and_the_library_have_the_same_defaults() {
    assert_eq!(RetryGuard::read(&values()).unwrap().needs().retries, Some(Retries::default()));
}

#[test]
fn only_failures_are_worth_another_attempt() {
    let complaints = |status| {
        let values = values().with("statuses", Raw::List(vec![Raw::Integer(status)]));
        (SECTION.demands)(&values, &Situation { environment: Environment::Development, written: true })
    };
    assert!(complaints(503).is_empty());
    assert!(complaints(429).is_empty());
    assert!(complaints(404)[0].what.contains("404"));
}
