//! What came before, here or at another node, and how much of that is remembered.

use std::sync::Arc;

use seawall_core::{
    limit::{Ask, RateStore, Standing},
    meter::NoMeter,
    reply::{PortError, Reply},
};

use super::{
    super::replay::{Noted, Seen},
    *,
};
use crate::rate_limit::MemoryRates;

#[test]
fn wk_15_a_request_that_holds_is_let_in_once_and_named() {
    let guard = partner(&[]);
    let (result, head, context) = ask_with(&guard, &signed(), CREATED);
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(context.signed_by.as_deref(), Some("partner"));
    assert_eq!(head.headers.get("x-seawall-signature-key").unwrap(), "partner");
    let again = ask_with(&guard, &signed(), CREATED + 300);
    let problem = again.0.unwrap_err();
    assert_eq!(problem.detail.as_deref(), Some("The request came before; each attempt has to be signed anew."));
    assert_eq!((again.2.signed_by, again.1.headers.get("x-seawall-signature-key")), (None, None));
    let nonce = signed_with(example(), COVERED, &parameters(";nonce=\"2\""));
    assert_eq!(ask(&guard, &nonce, CREATED), Ok(()), "another one of the same second");
}

/// Shared counters that answer as they are told.
#[derive(Debug)]
struct Told(Result<bool, PortError>, bool);

impl RateStore for Told {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        let standing = |accepted| Standing { accepted, ..Standing::of(ask.quotas, ask.cost, []) };
        let answer = self.0.map(standing);
        if self.1 { Reply::Later(Box::pin(async move { answer })) } else { Reply::Ready(answer) }
    }
}

#[test]
fn wk_15_what_another_node_has_taken_is_refused_and_without_its_word_what_is_configured_holds() {
    for later in [false, true] {
        for (told, when, slug) in [
            (Ok(true), "closed", None),
            (Ok(false), "closed", Some("signature-refused")),
            (Ok(false), "local", Some("signature-refused")),
            (Err(PortError::Unavailable), "closed", Some("signature-unavailable")),
            (Err(PortError::Unavailable), "local", None),
        ] {
            let shared = Shared {
                local_rates: Some(MemoryRates::new(1_000, &NoMeter)),
                rates: Arc::new(Told(told, later)),
                ..Shared::in_memory()
            };
            let secret = SECRET.replace(' ', "_");
            let keys: &[(&str, &[(&str, &str)])] = &[("partner", &[("algorithm", "hmac-sha256"), ("secret", &secret)])];
            let guard = try_guard(&["partner"], &[("when_unavailable", text(when))], keys, &shared).unwrap().unwrap();
            let result = ask_with(&guard, &signed(), CREATED).0;
            assert_eq!(result.err().map(|problem| problem.kind.slug), slug, "{told:?} {when}");
            let again = ask_with(&guard, &signed(), CREATED).0;
            assert_eq!(again.unwrap_err().kind.slug, "signature-refused", "this node remembers it whatever others say");
        }
    }
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten_when_it_has_ended() {
    let seen = Seen::default();
    let mark = |number: u8| [number; 16];
    assert_eq!(seen.note_among(2, mark(1), 10, 0), Noted::First);
    assert_eq!(seen.note_among(2, mark(2), 20, 0), Noted::First);
    assert_eq!(seen.note_among(2, mark(1), 10, 10), Noted::Again, "through its last second");
    assert_eq!(seen.note_among(2, mark(3), 30, 10), Noted::Full);
    assert_eq!(seen.note_among(2, mark(3), 30, 11), Noted::First);
    assert_eq!(seen.note_among(2, mark(2), 20, 11), Noted::Again);
}
