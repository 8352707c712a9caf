//! Target: the values of header fields.
//!
//! Input: lines, which are the values of one field that comes several times.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use seawall_core::{
    form::Boundary,
    http::{
        EntityTag, Network, Networks, Origin, Tags, TraceContext,
        forwarded::{self, Source},
        hop,
    },
    idempotency::{Key, LONGEST_KEY},
    signatures::{Component, Value, dictionary, digests, inputs},
    websocket::handshake::{asked, read},
};

/// More lines make a fuzzer slow and find nothing else.
const MOST: usize = 8;

/// Panics when something does not hold for the values.
pub fn check(input: &[u8]) {
    let lines: Vec<&[u8]> = input.split(|&byte| byte == b'\n').take(MOST).collect();
    one_reading(&lines);
    for line in &lines {
        tags(line);
        key(line);
        trace(line);
        let _boundary = Boundary::of(line);
        if let Ok(text) = std::str::from_utf8(line) {
            origin(text);
            let _component = Component::parse(text);
        }
    }
    messages(&lines);
}

/// What a dictionary says, written anew, says the same.
fn one_reading(lines: &[&[u8]]) {
    let Ok(members) = dictionary(lines.iter().copied()) else { return };
    let written: Vec<String> = members
        .iter()
        .map(|member| {
            let value = match &member.value {
                Value::Item(value) => value.to_string(),
                Value::List(items) => {
                    let items: Vec<String> =
                        items.iter().map(|(item, parameters)| format!("{item}{parameters}")).collect();
                    format!("({})", items.join(" "))
                }
            };
            format!("{}={value}{}", member.name, member.parameters)
        })
        .collect();
    let again = dictionary(written.iter().map(String::as_bytes));
    assert_eq!(again.as_ref(), Ok(&members), "{written:?}");
}

fn tags(line: &[u8]) {
    if let Some(tag) = EntityTag::parse(line) {
        assert!(tag.weakly(&tag), "a tag is itself");
        let listed = Tags::parse([line]);
        assert!(listed.is_some_and(|listed| listed.weakly(&tag)), "a tag is in a list of it: {}", line.escape_ascii());
    }
    let _listed = Tags::parse([line, line]);
}

fn key(line: &[u8]) {
    if let Ok(key) = Key::parse(line) {
        let text = key.as_str();
        assert!((1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        assert_eq!(Key::parse(quoted.as_bytes()).as_ref(), Ok(&key), "in quotes");
    }
}

fn trace(line: &[u8]) {
    if let Some(own) = TraceContext::carry_on(line, 7) {
        let again = TraceContext::carry_on(&own.header(), 8).expect("what is sent on can be carried on");
        assert_eq!((again.trace_id, again.parent_id, again.sampled), (own.trace_id, Some(own.span_id), own.sampled));
    }
}

fn origin(text: &str) {
    if let Some(origin) = Origin::parse(text) {
        assert_eq!(Origin::parse(origin.as_str()).as_ref(), Some(&origin), "{text:?}");
    }
}

/// Whatever reads several fields of a message.
fn messages(lines: &[&[u8]]) {
    let mut headers = HeaderMap::new();
    for name in NAMES {
        for value in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let own = [127, 0, 0, 1].into();
    let trusted = Networks::from(Vec::from_iter(Network::parse("127.0.0.0/8")));
    for source in [Source::XForwardedFor, Source::Forwarded] {
        let _claimed = forwarded::client(own, &headers, &trusted, source);
    }
    let _read = (digests(&headers).is_ok(), inputs(&headers).is_ok(), hop::upgrade(&headers), asked(&headers));
    let _handshake = read(&Method::GET, Version::HTTP_11, &headers);
    let mut stripped = headers.clone();
    if hop::strip(&mut stripped).is_ok() {
        assert!(!stripped.contains_key("connection") && !stripped.contains_key("upgrade"));
    } else {
        assert_eq!(stripped, headers, "what is malformed changes nothing");
    }
}

const NAMES: [&str; 12] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "forwarded",
    "content-digest",
    "signature-input",
    "signature",
    "connection",
    "upgrade",
    "te",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
];
