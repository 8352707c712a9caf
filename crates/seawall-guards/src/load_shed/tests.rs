//! Places are taken and given back.

use super::*;
use crate::{End, Guard, Verdict, engine::sample_context};
use http::Request;
use seawall_core::settings::Raw;

fn asks(guard: &LoadShedGuard) -> bool {
    let (mut head, ()) = Request::new(()).into_parts();
    matches!(guard.head(&mut head, &mut sample_context()), Verdict::Pass)
}

#[test]
fn so_many_at_once_and_the_rest_is_refused() {
    let places = Permits::default().places("*");
    let guard = LoadShedGuard::read(&values().with("max_in_flight", Raw::Integer(2)), places.clone()).unwrap();
    assert_eq!([asks(&guard), asks(&guard), asks(&guard)], [true, true, false]);
    assert_eq!(places.taken(), 2, "a refused request takes no place");
    guard.finish(&End { sent: false, status: None }, &sample_context());
    assert!(asks(&guard));
}

#[test]
fn a_name_has_one_count_over_reloads() {
    let permits = Permits::default();
    assert!(permits.places("*").take(10));
    assert_eq!(permits.places("*").taken(), 1);
    assert_eq!(permits.places("other").taken(), 0);
}
