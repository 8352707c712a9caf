//! Requests and answers, each one step away from a good one.

use http::{HeaderValue, header::CONNECTION};

use super::*;

type Lines<'a> = &'a [(&'static str, &'static str)];

const REQUEST: Lines = &[
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "chat, superchat"),
    ("sec-websocket-extensions", "permessage-deflate"),
];

const ANSWER: Lines = &[
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("sec-websocket-protocol", "superchat"),
];

/// The lines, with those of one name replaced.
fn with(lines: Lines, name: &'static str, values: &[&'static str]) -> HeaderMap {
    let kept = lines.iter().filter(|(other, _)| *other != name).copied();
    kept.chain(values.iter().map(|&value| (name, value)))
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn check_with(name: &'static str, values: &[&'static str]) -> Result<Handshake, HandshakeFault> {
    check(&Method::GET, Version::HTTP_11, &with(REQUEST, name, values))
}

fn answer_with(name: &'static str, values: &[&'static str]) -> Result<(), AnswerFault> {
    check_with("accept", &[]).unwrap().check_answer(&with(ANSWER, name, values))
}

#[test]
fn a_good_request_is_accepted_with_its_protocols() {
    let handshake = check_with("accept", &["*/*"]).unwrap();
    assert_eq!(handshake.protocols(), ["chat", "superchat"]);
    assert_eq!(check_with("sec-websocket-protocol", &[]).unwrap().protocols(), [""; 0]);
    assert_eq!(check_with("sec-websocket-protocol", &["a ,b", "A"]).unwrap().protocols(), ["a", "b", "A"]);
}

#[test]
fn both_headers_ask_however_badly() {
    assert!(asked(&with(REQUEST, "accept", &[])));
    assert!(asked(&with(REQUEST, "upgrade", &["h2c, websocket"])));
    assert!(asked(&with(REQUEST, "upgrade", &["h2c", "WEBSOCKET"])), "no second line slips past the guard");
    assert!(!asked(&with(REQUEST, "upgrade", &["h2c"])));
    assert!(!asked(&with(REQUEST, "upgrade", &[])));
    assert!(!asked(&with(REQUEST, "connection", &["keep-alive"])));
    assert!(!asked(&HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("upgrade"))])));
}

#[test]
fn only_get_with_http_1_1_opens_a_socket() {
    let headers = with(REQUEST, "accept", &[]);
    for method in [Method::POST, Method::HEAD, Method::CONNECT] {
        assert_eq!(check(&method, Version::HTTP_11, &headers), Err(HandshakeFault::Method));
    }
    for version in [Version::HTTP_10, Version::HTTP_2] {
        assert_eq!(check(&Method::GET, version, &headers), Err(HandshakeFault::HttpVersion));
    }
}

#[test]
fn an_upgrade_to_a_choice_of_protocols_is_refused() {
    for values in [&["websocket, h2c"][..], &["websocket", "h2c"], &["websocket", "websocket"]] {
        assert_eq!(check_with("upgrade", values), Err(HandshakeFault::Upgrade), "{values:?}");
    }
}

#[test]
fn another_version_is_answered_with_426() {
    for values in [&[][..], &["8"], &["13, 8"], &["13", "13"], &["013"], &[""]] {
        assert_eq!(check_with("sec-websocket-version", values), Err(HandshakeFault::Version), "{values:?}");
    }
    assert_eq!(HandshakeFault::Version.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(HandshakeFault::Key.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn a_key_is_one_base64_of_16_bytes() {
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "x3JJHMbDL1EzLkh9GBhXDw==", "+/+/+/+/+/+/+/+/+/+/+g=="] {
        assert!(check_with("sec-websocket-key", &[key]).is_ok(), "{key}");
    }
    for values in [
        &[][..],
        &[""],
        &["=="],
        &["dGhlIHNhbXBsZSBub25jZQ"],
        &["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="],
        &["dGhlIHNhbXBsZSBub25jZR=="],
        &["dGhlIHNhbXBsZSBub25jZA="],
        &["dGhlIHNhbXBsZSBub25j"],
        &["dGhlIHNhbXBsZSBub25jZQAA"],
        &["dGhl-HNhbXBsZSBub25jZQ=="],
        &["dGhlIHNhbXBsZSBub25jZSBub25jZQ=="],
    ] {
        assert_eq!(check_with("sec-websocket-key", values), Err(HandshakeFault::Key), "{values:?}");
    }
}

#[test]
fn protocols_are_tokens_without_repetition() {
    for values in [&[""][..], &["a,,b"], &["a, a"], &["a", "a"], &["a b"], &["a, \"b\""], &["a;q=1"]] {
        assert_eq!(check_with("sec-websocket-protocol", values), Err(HandshakeFault::Protocols), "{values:?}");
    }
}

#[test]
fn a_good_answer_is_accepted() {
    assert_eq!(answer_with("server", &["x"]), Ok(()));
    assert_eq!(answer_with("sec-websocket-protocol", &[]), Ok(()));
}

#[test]
fn an_answer_that_was_not_asked_for_is_refused() {
    for (name, values, fault) in [
        ("upgrade", &["h2c"][..], AnswerFault::Upgrade),
        ("upgrade", &[], AnswerFault::Upgrade),
        ("sec-websocket-accept", &[], AnswerFault::Accept),
        ("sec-websocket-accept", &[""], AnswerFault::Accept),
        ("sec-websocket-accept", &["a", "b"], AnswerFault::Accept),
        ("sec-websocket-protocol", &["other"], AnswerFault::Protocol),
        ("sec-websocket-protocol", &["Chat"], AnswerFault::Protocol),
        ("sec-websocket-protocol", &["chat, superchat"], AnswerFault::Protocol),
        ("sec-websocket-protocol", &["chat", "superchat"], AnswerFault::Protocol),
        ("sec-websocket-protocol", &[""], AnswerFault::Protocol),
        ("sec-websocket-extensions", &["permessage-deflate"], AnswerFault::Extensions),
        ("sec-websocket-extensions", &[""], AnswerFault::Extensions),
    ] {
        assert_eq!(answer_with(name, values), Err(fault), "{name} {values:?}");
    }
}
