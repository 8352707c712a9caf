//! What a client may send, rule by rule.

use super::{
    super::{Checked, Limits, Outcome, RequestChecker, Rule},
    feeding::{passed, refused, requests},
};

/// A right request, to be sent before a wrong one.
const BEFORE: &str = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n";

/// Each text breaks the rule, alone and after a right request; of that one everything passes.
#[track_caller]
pub(super) fn check_refused<T: AsRef<[u8]>>(rule: Rule, texts: impl IntoIterator<Item = T>) {
    for text in texts {
        let text = text.as_ref();
        let alone = requests(text);
        refused(&alone, rule, 0, text);
        let after = [BEFORE.as_bytes(), text].concat();
        let pipelined = requests(&after);
        refused(&pipelined, rule, 1, &after);
        assert_eq!(pipelined.progress.bytes, alone.progress.bytes + BEFORE.len() as u64, "{}", text.escape_ascii());
    }
}

/// Each head breaks the rule, and no byte of it passes.
#[track_caller]
pub(super) fn check_head_refused<T: AsRef<[u8]>>(rule: Rule, texts: impl IntoIterator<Item = T>) {
    for text in texts {
        check_refused(rule, [text.as_ref()]);
        assert_eq!(requests(text.as_ref()).progress.bytes, 0, "{}", text.as_ref().escape_ascii());
    }
}

fn with_line(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

pub(super) fn with_fields(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n")
}

pub(super) fn with_chunks(chunks: &str) -> String {
    with_fields("Transfer-Encoding: chunked") + chunks
}

#[track_caller]
pub(super) fn check_passed<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) {
    for text in texts {
        let text = text.as_ref();
        passed(&requests(text), 1, text);
        let two = [text, BEFORE.as_bytes()].concat();
        passed(&requests(&two), 2, &two);
    }
}

#[test]
fn requests_of_every_form_pass() {
    check_passed(
        [
            "GET / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET /a/b;c=d/%20?e=f&g[]=h?i/`| HTTP/1.1",
            "GET http://example.com HTTP/1.1",
            "GET HTTP://example.com:8080/a?b HTTP/1.1",
            "GET https://[::1]:8080/a HTTP/1.1",
            "GET http://example.com?a HTTP/1.1",
            "OPTIONS * HTTP/1.1",
            "OPTIONS /a HTTP/1.1",
            "CONNECT example.com:443 HTTP/1.1",
            "TRACE / HTTP/1.1",
            "M-SEARCH!#$%&'*+-.^_`|~09az / HTTP/1.1",
            "\r\nGET / HTTP/1.1",
        ]
        .map(with_line),
    );
    check_passed(
        ["", "X: \x7e\t\u{fc}", "X:", "x_y:z", "X:  \t ", "Host2: b, c", "Upgrade: websocket\r\nConnection: upgrade"]
            .map(|fields| if fields.is_empty() { with_line("GET / HTTP/1.1") } else { with_fields(fields) }),
    );
    check_passed(["GET / HTTP/1.0\r\n\r\n"]);
}

#[test]
fn line_ends_are_cr_lf() {
    check_head_refused(
        Rule::BareLineFeed,
        [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
    );
    check_head_refused(
        Rule::BareCarriageReturn,
        [
            "GET / HTTP/1.1\rHost: a\r\r",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
        ],
    );
}

#[test]
fn control_characters_are_refused() {
    for byte in (0..=0x1f_u8).chain([0x7f]).filter(|byte| !b"\t\r\n".contains(byte)) {
        let byte = char::from(byte);
        check_head_refused(
            Rule::ControlCharacter,
            [
                with_fields(&format!("X: b{byte}c")),
                with_fields(&format!("X{byte}: b")),
                with_line(&format!("GET /{byte} HTTP/1.1")),
            ],
        );
    }
    check_head_refused(Rule::ControlCharacter, [&b"\x16\x03\x01\x02"[..], b"\0"]);
}

#[test]
fn at_most_one_empty_line_stands_before_a_request() {
    check_head_refused(Rule::EmptyLines, [format!("\r\n\r\n{BEFORE}")]);
}

#[test]
fn methods_are_tokens() {
    let lines = [
        " GET / HTTP/1.1",
        "\tGET / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET: / HTTP/1.1",
        "\u{fc} / HTTP/1.1",
        "(GET) / HTTP/1.1",
    ];
    check_head_refused(Rule::InvalidMethod, lines.map(with_line));
}

#[test]
fn one_space_divides_the_parts_of_a_request_line() {
    let lines = ["GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET /a b HTTP/1.1", "GET / HTTP /1.1"];
    check_head_refused(Rule::RequestLineSpaces, lines.map(with_line));
}

#[test]
fn versions_are_spelled_exactly() {
    check_head_refused(Rule::MissingVersion, ["GET /", "GET /a", "GET", "GET "].map(with_line));
    check_head_refused(
        Rule::UnsupportedVersion,
        ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET / HTTP/3.0"].map(with_line),
    );
    let lines = [
        "GET / http/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "GET / HTTP/1,1",
        "GET / HTTP/2",
        "GET / HTTP/1.1\t",
        "GET / X",
        "GET / HTTP/+1.1",
    ];
    check_head_refused(Rule::InvalidVersion, lines.map(with_line));
}

#[test]
fn targets_have_the_form_that_suits_the_method() {
    check_head_refused(
        Rule::TargetForm,
        [
            "GET * HTTP/1.1",
            "CONNECT / HTTP/1.1",
            "CONNECT a HTTP/1.1",
            "CONNECT http://a/ HTTP/1.1",
            "CONNECT a:x HTTP/1.1",
            "CONNECT u@a:1 HTTP/1.1",
        ]
        .map(with_line),
    );
    check_head_refused(
        Rule::FragmentInTarget,
        ["GET /a#b HTTP/1.1", "GET /a?b#c HTTP/1.1", "GET # HTTP/1.1"].map(with_line),
    );
    let lines = [
        "GET a HTTP/1.1",
        "GET /\u{fc} HTTP/1.1",
        "GET /?\u{fc} HTTP/1.1",
        "GET /a\tb HTTP/1.1",
        "GET /<> HTTP/1.1",
        "GET /?\" HTTP/1.1",
        "OPTIONS *a HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://a@b/ HTTP/1.1",
        "GET http://a:99999/ HTTP/1.1",
        "GET ?a HTTP/1.1",
        "GET example.com:80 HTTP/1.1",
        "GET http:/a HTTP/1.1",
    ];
    check_head_refused(Rule::InvalidTarget, lines.map(with_line));
}

#[test]
fn field_names_are_tokens_right_before_their_colon() {
    check_head_refused(Rule::FoldedLine, [" X: b", "\tX: b", "X: b\r\n c", "X: b\r\n\t", "X: b\r\n "].map(with_fields));
    check_head_refused(Rule::FoldedLine, ["GET / HTTP/1.1\r\n Host: a\r\n\r\n"]);
    check_head_refused(
        Rule::SpaceBeforeColon,
        ["X : b", "X\t: b", "Transfer-Encoding : chunked", "Content-Length \t: 3"].map(with_fields),
    );
    check_head_refused(Rule::EmptyFieldName, [": b", ":"].map(with_fields));
    check_head_refused(Rule::MissingColon, ["X", "Content-Length"].map(with_fields));
    check_head_refused(
        Rule::InvalidFieldName,
        ["X Y: b", "X@: b", "X\u{fc}: b", "\"X\": b", "X(): b", "X[0]: b", "X/Y: b", "Content-Length 3", "{}: b"]
            .map(with_fields),
    );
}

#[test]
fn heads_are_bounded() {
    let limits = Limits::requests();
    let many = |count: usize| with_fields(&vec!["X: b"; count - 1].join("\r\n"));
    check_passed([many(limits.fields)]);
    check_head_refused(Rule::TooManyFields, [many(limits.fields + 1)]);

    let frame = with_fields("X: ").len();
    let sized = |bytes: usize| with_fields(&format!("X: {}", "b".repeat(bytes - frame)));
    check_passed([sized(limits.head_bytes)]);
    check_head_refused(Rule::HeadTooLarge, [sized(limits.head_bytes + 1), sized(limits.head_bytes * 3)]);
    check_head_refused(Rule::HeadTooLarge, [format!("GET / HTTP/1.1\r\nX: {}", "b".repeat(limits.head_bytes))]);

    let frame = "GET / HTTP/1.1\r\n".len();
    let long = |bytes: usize| with_line(&format!("GET /{} HTTP/1.1", "b".repeat(bytes - frame)));
    check_passed([long(limits.request_line_bytes)]);
    check_head_refused(Rule::RequestLineTooLong, [long(limits.request_line_bytes + 1)]);
    check_head_refused(Rule::RequestLineTooLong, ["b".repeat(limits.request_line_bytes + 1)]);
}

#[test]
fn nothing_beyond_a_bound_is_looked_at() {
    let limits = Limits::requests();
    // A control character right behind the bound is not what is wrong, however the bytes arrive.
    check_head_refused(
        Rule::RequestLineTooLong,
        [
            format!("{}\0", "b".repeat(limits.request_line_bytes)),
            format!("{}\r\0", "b".repeat(limits.request_line_bytes - 1)),
        ],
    );
    check_head_refused(Rule::ControlCharacter, [format!("{}\0b", "b".repeat(limits.request_line_bytes - 1))]);
}

#[test]
fn a_request_names_one_valid_host() {
    check_head_refused(
        Rule::MissingHost,
        ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHosts: a\r\n\r\n", "GET http://a/ HTTP/1.1\r\n\r\n"],
    );
    check_head_refused(
        Rule::RepeatedHost,
        ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\nhOST: b\r\n\r\n"],
    );
    let wrong = [
        "", "a b", "a,b", "u@a", "a/x", "a:port", "a:", "a:65536", "a:-1", "[::1", "[::1]x", "::1", "[a]", ":80", "..",
        "\u{fc}", "a\"", "http://a", "a%2eb", "a#", "a?", "a\\b",
    ];
    check_head_refused(Rule::InvalidHost, wrong.map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")));
    check_passed(
        [
            "a",
            "A.example",
            "a.example:8080",
            "127.0.0.1:3000",
            "[::1]",
            "[2001:db8::1]:443",
            "a_b.internal",
            "xn--bcher-kva.example.",
        ]
        .map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")),
    );
}

#[test]
fn after_a_message_stands_the_next_one() {
    let text = with_fields("Content-Length: 3") + "abcd" + BEFORE;
    let verdict = requests(&text);
    assert_eq!((verdict.rule(), verdict.progress.heads), (None, 2), "the method is taken for dGET, as it stands");
    check_refused(Rule::InvalidMethod, [format!("\x20{BEFORE}")]);
    let smuggled = with_fields("Content-Length: 5") + "0\r\n\r\n" + BEFORE;
    passed(&requests(&smuggled), 2, smuggled.as_bytes());
}

#[test]
fn a_request_for_an_upgrade_stays_in_http_until_it_is_granted() {
    let asked = with_fields("Upgrade: websocket\r\nConnection: upgrade");
    let frame = [0x81, 0x80, 0, 0, 0, 0];
    refused(&requests([asked.as_bytes(), &frame].concat()), Rule::ControlCharacter, 1, &frame[..0]);

    let mut checker = RequestChecker::new(Limits::requests());
    assert_eq!(checker.check(asked.as_bytes()), Checked { passed: asked.len(), outcome: Outcome::Go });
    checker.upgraded();
    assert_eq!(checker.check(&frame), Checked { passed: frame.len(), outcome: Outcome::Upgraded });
    assert_eq!(checker.at_end(), Ok(()));

    let mut checker = RequestChecker::new(Limits::requests());
    let refused = checker.check(&frame);
    checker.upgraded();
    assert_eq!(checker.check(&frame), refused, "a refusal is for good");
}

#[test]
fn a_connection_ends_between_requests() {
    for text in [
        "G",
        "\r",
        "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab",
    ] {
        assert_eq!(requests(text).whole, Err(Rule::CutShort), "{text:?}");
    }
    for chunks in ["", "3", "3\r\n", "3\r\nabc", "3\r\nabc\r", "3\r\nabc\r\n", "0\r\n", "0\r\n\r", "0\r\nX: b\r\n"] {
        assert_eq!(requests(with_chunks(chunks)).whole, Err(Rule::CutShort), "{chunks:?}");
    }
    let mut checker = RequestChecker::new(Limits::requests());
    assert!(checker.between_messages());
    assert_eq!(checker.check(b"\r").passed, 0);
    assert!(!checker.between_messages(), "something is held");
    assert_eq!(checker.check(b"\r\nGET / HTTP/1.0\r\n\r\n").passed, 20);
    assert!(checker.between_messages());
}

#[test]
fn a_refusal_says_where_and_why() {
    let text = format!("{BEFORE}GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n");
    let Outcome::Refuse(refusal) = requests(&text).outcome else { panic!("not refused") };
    assert_eq!((refusal.offset, refusal.status()), (text.find("X :").unwrap() as u64, 400));
    assert_eq!(refusal.to_string(), "request breaks space_before_colon at byte 58 of its connection");
    assert_eq!(refusal.detail(), "White space stands between a field name and its colon.");
    let mut names = Rule::ALL.iter().map(|rule| rule.name()).collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(matches!(rule.status(), 400 | 414 | 431 | 501 | 505), "{rule:?}");
        assert!(rule.detail().ends_with('.'), "{rule:?}");
    }
}
