//! What is remembered is bounded.

use hyper::Request;

use super::*;

fn begun(shared: &Arc<Shared>) -> Watch {
    Watch::begin(shared, &Request::new(()).into_parts().0)
}

#[test]
fn old_calls_are_forgotten_and_may_end_all_the_same() {
    let shared = Arc::new(Shared::default());
    let first = begun(&shared);
    for _ in 0..MOST_CALLS {
        begun(&shared).end(Ending::Whole);
    }
    drop(first);
    let calls = shared.calls();
    assert_eq!(calls.len(), MOST_CALLS);
    assert!(calls.iter().all(|call| call.ending == Ending::Whole));
}

#[test]
fn long_bodies_are_forgotten_earlier() {
    let shared = Arc::new(Shared::default());
    let body = Bytes::from(vec![0; MOST_BODY_BYTES / 2]);
    let watches: Vec<_> = (0..4).map(|_| begun(&shared)).collect();
    watches.iter().for_each(|watch| watch.set_body(&body));
    let lengths: Vec<_> = shared.calls().iter().map(|call| call.body.len()).collect();
    assert_eq!(lengths, [body.len(), body.len()]);
    // Of a call that is forgotten, nothing is counted.
    watches[0].set_body(&body);
    assert_eq!(shared.calls().len(), 2);
}

#[test]
fn what_goes_wrong_once_does_so_for_each_prompt_and_again_when_it_was_forgotten() {
    let shared = Shared::default();
    let fails = |prompt| shared.behaviour("fake-500-once", prompt).unwrap().status.is_some();
    assert_eq!([fails(1), fails(1), fails(2), fails(2)], [true, false, true, false]);
    for prompt in 3..=MOST_TRIED as u64 + 1 {
        assert!(fails(prompt));
    }
    assert!(!fails(2), "it is still known");
    assert!(fails(1), "it is the oldest");
}

#[test]
fn a_call_ends_only_once() {
    let shared = Arc::new(Shared::default());
    let watch = begun(&shared);
    watch.end(Ending::Whole);
    drop(watch);
    assert_eq!(shared.calls()[0].ending, Ending::Whole);
}
