//! What the application may send, rule by rule.

use super::{
    super::{Checked, Limits, LineEnds, Outcome, ResponseChecker, ResponseTo, Rule},
    feeding::{Checker, Verdict, passed, refused, verdict},
};

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn answers(to: &[ResponseTo], bytes: impl AsRef<[u8]>) -> Verdict {
    verdict(|| Checker::response(to, Limits::responses()), bytes.as_ref())
}

fn answer(bytes: impl AsRef<[u8]>) -> Verdict {
    answers(&[ResponseTo::Other], bytes)
}

fn strict(bytes: impl AsRef<[u8]>) -> Verdict {
    let limits = Limits { line_ends: LineEnds::Strict, ..Limits::responses() };
    verdict(|| Checker::response(&[ResponseTo::Other], limits), bytes.as_ref())
}

/// Each text breaks the rule, alone and after a right answer; of that one everything passes.
#[track_caller]
fn check_refused<T: AsRef<[u8]>>(rule: Rule, texts: impl IntoIterator<Item = T>) {
    for text in texts {
        let text = text.as_ref();
        refused(&answer(text), rule, 0, text);
        let after = [EMPTY.as_bytes(), text].concat();
        refused(&answers(&[ResponseTo::Other; 2], &after), rule, 1, &after);
    }
}

/// Each head breaks the rule, and no byte of it passes.
#[track_caller]
fn check_head_refused<T: AsRef<[u8]>>(rule: Rule, texts: impl IntoIterator<Item = T>) {
    for text in texts {
        check_refused(rule, [text.as_ref()]);
        assert_eq!(answer(text.as_ref()).progress.bytes, 0, "{}", text.as_ref().escape_ascii());
    }
}

fn with_fields(lines: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nX: a\r\n{lines}\r\n\r\n")
}

fn with_chunks(chunks: &str) -> String {
    with_fields("Transfer-Encoding: chunked") + chunks
}

#[test]
fn status_lines_name_version_and_status() {
    let lines = [
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200",
        "HTTP/1.1 599 \u{fc} \t:",
        "HTTP/1.1 404 Not  Found ",
    ];
    for line in lines {
        let text = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        passed(&answer(&text), 1, text.as_bytes());
    }
    let lines = [
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "200 OK",
        "",
        "ICY 200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200OK",
    ];
    check_head_refused(Rule::InvalidStatusLine, lines.map(|line| format!("{line}\r\nContent-Length: 0\r\n\r\n")));
    let lines = ["HTTP/1.1 099 X", "HTTP/1.1 000 X", "HTTP/1.1 600 X", "HTTP/1.1 999 X"];
    check_head_refused(Rule::InvalidStatus, lines.map(|line| format!("{line}\r\nContent-Length: 0\r\n\r\n")));
}

#[test]
fn heads_are_bounded_and_their_fields_right() {
    check_head_refused(Rule::FoldedLine, [" X: b", "X: b\r\n c", "\tX: b"].map(with_fields));
    check_head_refused(Rule::SpaceBeforeColon, ["X : b", "Transfer-Encoding : chunked"].map(with_fields));
    check_head_refused(Rule::EmptyFieldName, [with_fields(": b")]);
    check_head_refused(Rule::MissingColon, [with_fields("X")]);
    check_head_refused(Rule::InvalidFieldName, ["X Y: b", "X@: b", "\u{fc}: b"].map(with_fields));
    check_head_refused(Rule::ControlCharacter, ["X: a\0b", "X: \x7f", "X\x01: b"].map(with_fields));
    check_head_refused(Rule::ControlCharacter, ["HTTP/1.1 200 O\0K\r\n\r\n"]);
    check_head_refused(Rule::BareCarriageReturn, [with_fields("X: a\rb")]);
    check_head_refused(Rule::BareCarriageReturn, ["HTTP/1.1 200 O\rK\r\n\r\n"]);
    let limits = Limits::responses();
    check_head_refused(Rule::TooManyFields, [with_fields(&vec!["X: b"; limits.fields].join("\r\n"))]);
    check_head_refused(Rule::HeadTooLarge, [with_fields(&format!("X: {}", "b".repeat(limits.head_bytes)))]);
    let text = with_fields("X: \u{fc}\r\nHost: b\r\nHost: c\r\nContent-Length: 0");
    passed(&answer(&text), 1, text.as_bytes());
}

#[test]
fn line_feeds_alone_end_the_lines_of_heads_where_that_is_borne() {
    for text in [
        "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc",
        "HTTP/1.1 200 OK\nContent-Length: 3\r\n\nabc",
    ] {
        passed(&answer(text), 1, text.as_bytes());
        refused(&strict(text), Rule::BareLineFeed, 0, text.as_bytes());
    }
    check_refused(
        Rule::BareLineFeed,
        ["3\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\n\n", "0\r\nX: b\n\r\n", "0\r\n\n"].map(with_chunks),
    );
    check_refused(Rule::MissingChunkEnd, ["3\r\nabc\n0\r\n\r\n"].map(with_chunks));
}

#[test]
fn one_message_has_one_framing() {
    let both = ["Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"];
    check_head_refused(Rule::ContentLengthWithTransferEncoding, both.map(with_fields));
    check_head_refused(
        Rule::RepeatedContentLength,
        ["Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3\r\nContent-Length: 4"].map(with_fields),
    );
    check_head_refused(
        Rule::InvalidContentLength,
        ["+3", "-3", "3, 3", "", "0x3", "03", "9223372036854775808"]
            .map(|length| with_fields(&format!("Content-Length: {length}"))),
    );
    check_head_refused(
        Rule::RepeatedTransferEncoding,
        [with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")],
    );
    check_head_refused(
        Rule::UnknownTransferCoding,
        ["gzip, chunked", "identity", "xchunked"].map(|coding| with_fields(&format!("Transfer-Encoding: {coding}"))),
    );
    check_head_refused(
        Rule::InvalidTransferEncoding,
        ["chunked, chunked", "", "chunked, gzip"].map(|coding| with_fields(&format!("Transfer-Encoding: {coding}"))),
    );
    check_head_refused(
        Rule::TransferEncodingInOldVersion,
        ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    );
}

#[test]
fn bodies_end_where_their_framing_says() {
    let length = with_fields("Content-Length: 3") + "abc";
    let chunks = with_chunks("3\r\nabc\r\n0\r\nX: b\r\n\r\n");
    for text in [&length, &chunks] {
        let verdict = answer(text);
        passed(&verdict, 1, text.as_bytes());
        assert_eq!(verdict.progress.content_bytes, 3);
        let two = text.repeat(2);
        passed(&answers(&[ResponseTo::Other; 2], &two), 2, two.as_bytes());
    }
    for (rule, chunks) in [
        (Rule::InvalidChunkSize, "0x3\r\nabc"),
        (Rule::InvalidChunkSize, "3 \r\nabc"),
        (Rule::InvalidChunkSize, "\r\n"),
        (Rule::InvalidChunkExtension, "3;\r\nabc"),
        (Rule::ChunkLineTooLong, &format!("3;{}", "a".repeat(9_000))),
        (Rule::MissingChunkEnd, "3\r\nabcd\r\n"),
        (Rule::FramingFieldInTrailers, "0\r\nContent-Length: 3\r\n\r\n"),
        (Rule::TrailersTooLarge, &format!("0\r\nX: {}", "a".repeat(9_000))),
        (Rule::FoldedLine, "0\r\n X: b\r\n\r\n"),
    ] {
        check_refused(rule, [with_chunks(chunks)]);
    }
}

#[test]
fn a_body_without_framing_ends_with_the_connection() {
    for text in
        [with_fields("Y: b"), with_fields("Y: b") + "abc", "HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".into()]
    {
        let verdict = answer(&text);
        assert_eq!((verdict.outcome, verdict.whole, verdict.progress.bytes), (Outcome::Go, Ok(()), text.len() as u64));
    }
}

#[test]
fn answers_without_a_body_have_none() {
    for (to, text) in [
        (ResponseTo::Head, with_fields("Content-Length: 300")),
        (ResponseTo::Head, with_fields("Transfer-Encoding: chunked")),
        (ResponseTo::Head, with_fields("Y: b")),
        (ResponseTo::Other, "HTTP/1.1 204 No Content\r\n\r\n".into()),
        (ResponseTo::Other, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n".into()),
        (ResponseTo::Other, "HTTP/1.1 304 Not Modified\r\nContent-Length: 300\r\n\r\n".into()),
        (ResponseTo::Other, "HTTP/1.1 304 Not Modified\r\n\r\n".into()),
    ] {
        passed(&answers(&[to], &text), 1, text.as_bytes());
        let two = text.clone() + EMPTY;
        passed(&answers(&[to, ResponseTo::Other], &two), 2, two.as_bytes());
        let body = text.clone() + "abc";
        refused(&answers(&[to], &body), Rule::UnsolicitedBytes, 1, body.as_bytes());
    }
    for fields in ["Content-Length: 3", "Transfer-Encoding: chunked"] {
        for start in ["HTTP/1.1 204 No Content", "HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints"] {
            check_head_refused(Rule::FramingWithoutBody, [format!("{start}\r\n{fields}\r\n\r\n")]);
        }
    }
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let limit = usize::try_from(Limits::responses().interim_answers).unwrap();
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let most = interim.repeat(limit / 2) + EMPTY;
    passed(&answer(&most), u64::try_from(limit).unwrap() + 1, most.as_bytes());
    let twice = most.repeat(2);
    passed(&answers(&[ResponseTo::Other; 2], &twice), 34, twice.as_bytes());
    let more = interim.repeat(limit / 2) + "HTTP/1.1 100 Continue\r\n\r\n";
    refused(&answer(&more), Rule::TooManyInterimAnswers, 16, more.as_bytes());

    let mut checker = ResponseChecker::new(Limits::responses());
    checker.expect(ResponseTo::Other);
    assert_eq!(checker.check(interim.as_bytes()).passed, interim.len());
    assert_eq!((checker.awaited(), checker.between_messages(), checker.at_end()), (1, true, Ok(())));
}

#[test]
fn protocols_are_switched_only_when_asked() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let text = [switch.as_bytes(), b"\x81\0\n\r"].concat();
    let verdict = answers(&[ResponseTo::Upgrade], &text);
    assert_eq!(
        (verdict.outcome, verdict.progress.bytes, verdict.whole),
        (Outcome::Upgraded, text.len() as u64, Ok(()))
    );
    for to in [ResponseTo::Other, ResponseTo::Head, ResponseTo::Connect] {
        refused(&answers(&[to], switch), Rule::UnexpectedUpgrade, 0, switch.as_bytes());
    }
    let text = EMPTY.to_owned() + "HTTP";
    refused(&answers(&[ResponseTo::Upgrade], &text), Rule::UnsolicitedBytes, 1, text.as_bytes());

    let tunnel = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\0\0\0\0";
    assert_eq!(answers(&[ResponseTo::Connect], tunnel).outcome, Outcome::Upgraded);
    let no_tunnel = "HTTP/1.1 405 No\r\nContent-Length: 3\r\n\r\nabc";
    passed(&answers(&[ResponseTo::Connect], no_tunnel), 1, no_tunnel.as_bytes());
}

#[test]
fn bytes_that_answer_nothing_are_refused() {
    for extra in ["\r\n", "a", EMPTY, "HTTP/1.1 100 Continue\r\n\r\n"] {
        let text = EMPTY.to_owned() + extra;
        let verdict = answer(&text);
        refused(&verdict, Rule::UnsolicitedBytes, 1, text.as_bytes());
        assert_eq!(verdict.progress.bytes, EMPTY.len() as u64, "the answer itself passes");
        refused(&answers(&[], extra), Rule::UnsolicitedBytes, 0, extra.as_bytes());
    }
}

#[test]
fn a_connection_ends_between_answers() {
    for text in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"] {
        assert_eq!(answer(text).whole, Err(Rule::CutShort), "{text:?}");
    }
    assert_eq!(answer(with_chunks("3\r\nabc\r\n")).whole, Err(Rule::CutShort));
    assert_eq!(answer("").whole, Ok(()));
}

#[test]
fn a_fault_of_the_application_is_a_bad_gateway() {
    let mut checker = ResponseChecker::new(Limits::responses());
    let Checked { passed: 0, outcome: Outcome::Refuse(refusal) } = checker.check(b"HTTP/1.1 200 OK\r\n\r\n") else {
        panic!("not refused")
    };
    assert_eq!((refusal.status(), refusal.detail()), (502, "The application's answer is malformed."));
    assert_eq!(refusal.to_string(), "response breaks unsolicited_bytes at byte 0 of its connection");
}
