//! Handshakes by themselves; frames are tested in core and over sockets.

use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode};
use seawall_core::{
    Environment, Mode,
    meter::NoMeter,
    settings::{Raw, Situation},
};

use super::*;
use crate::{Guard, Head, Verdict, engine::sample_context, rate_limit::MemoryRates};

fn guard() -> WebsocketGuard {
    WebsocketGuard::read(&values(), Mode::Enforce, "*", MemoryRates::new(1, &NoMeter)).unwrap()
}

fn handshake() -> Head {
    let request = Request::get("/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-extensions", "permessage-deflate")
        .header("sec-websocket-protocol", "chat, json");
    request.body(()).unwrap().into_parts().0
}

#[test]
fn a_handshake_passes_without_extensions_and_with_its_subprotocols() {
    let mut head = handshake();
    assert!(matches!(guard().head(&mut head, &mut sample_context()), Verdict::Pass));
    assert!(!head.headers.contains_key("sec-websocket-extensions"));
    assert_eq!(head.headers["sec-websocket-protocol"], "chat, json");
}

#[test]
fn a_broken_handshake_is_refused_and_told_the_version() {
    for (name, value, status) in [
        ("sec-websocket-version", "8", StatusCode::UPGRADE_REQUIRED),
        ("sec-websocket-key", "short", StatusCode::BAD_REQUEST),
        ("upgrade", "websocket, chat", StatusCode::BAD_REQUEST),
        ("sec-websocket-protocol", "a, a", StatusCode::BAD_REQUEST),
    ] {
        let mut head = handshake();
        head.headers.insert(name, HeaderValue::from_static(value));
        let Verdict::Refuse(problem) = guard().head(&mut head, &mut sample_context()) else {
            panic!("{name}: {value}")
        };
        assert_eq!(problem.status(), status, "{name}: {value}");
        assert!(problem.headers.iter().any(|(name, value)| name == "sec-websocket-version" && value == "13"));
    }
}

#[test]
fn what_asks_for_no_websocket_is_left_alone() {
    let (mut head, ()) = Request::get("/").header("sec-websocket-extensions", "x").body(()).unwrap().into_parts();
    assert!(matches!(guard().head(&mut head, &mut sample_context()), Verdict::Pass));
    assert!(head.headers.contains_key("sec-websocket-extensions"));
}

#[test]
fn wk_7_the_defaults_are_the_checklists() {
    let rules = guard().needs().sockets.unwrap();
    assert_eq!((rules.ping.as_secs(), rules.silence.as_secs(), rules.client.message_bytes), (30, 90, 1_048_576));
    assert!(Arc::strong_count(&rules) >= 1 && rules.client_messages.is_none());
}

#[test]
fn clients_get_time_to_answer_a_ping() {
    let values = values().with("silence", Raw::Text("30s".to_owned()));
    let situation = Situation { environment: Environment::Development, written: true };
    assert!((SECTION.demands)(&values, &situation)[0].what.contains("not longer than"));
}
