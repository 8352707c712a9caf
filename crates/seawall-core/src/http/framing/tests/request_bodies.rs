//! How the body of a request may be framed, rule by rule.

use super::{
    super::{Limits, Rule},
    feeding::requests,
    requests::{check_head_refused, check_passed, check_refused, with_chunks, with_fields},
};

#[test]
fn content_length_is_one_plain_number() {
    let wrong = [
        "",
        "+3",
        "-3",
        "3, 3",
        "3,3",
        "3 3",
        "0x3",
        "3.0",
        "03",
        "00",
        "3a",
        "a",
        "3;",
        "\"3\"",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999",
        "\u{663}",
    ];
    check_head_refused(
        Rule::InvalidContentLength,
        wrong.map(|length| with_fields(&format!("Content-Length: {length}")) + "abc"),
    );
    let twice = [
        "Content-Length: 3\r\nContent-Length: 3",
        "content-length: 3\r\nX: b\r\nCONTENT-LENGTH: 4",
        "Content-Length: 0\r\nContent-Length: 0",
    ];
    check_head_refused(Rule::RepeatedContentLength, twice.map(with_fields));
    check_passed(
        ["Content-Length: 0", "Content-Length:\t3 \r\nX: b", "cOnTeNt-LeNgTh:3"]
            .map(|fields| with_fields(fields) + if fields.ends_with('0') { "" } else { "abc" }),
    );

    let huge = with_fields("Content-Length: 9223372036854775807") + "abc";
    let verdict = requests(&huge);
    assert_eq!((verdict.progress.heads, verdict.progress.messages, verdict.whole), (1, 0, Err(Rule::CutShort)));
    assert_eq!(verdict.progress.bytes, huge.len() as u64);
}

#[test]
fn transfer_encoding_is_chunked_alone() {
    let both = [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Transfer-Encoding: chunked\r\nContent-Length: x",
        "Content-Length: 3\r\nTransfer-Encoding: x",
    ];
    check_head_refused(Rule::ContentLengthWithTransferEncoding, both.map(with_fields));
    let unknown = [
        "xchunked",
        "identity",
        "gzip, chunked",
        "gzip",
        "chunkedx",
        "gzip,chunked",
        "identity, chunked",
        "gzip, deflate",
    ];
    check_head_refused(
        Rule::UnknownTransferCoding,
        unknown.map(|coding| with_fields(&format!("Transfer-Encoding: {coding}"))),
    );
    let wrong = [
        "",
        "chunked, identity",
        "chunked, chunked",
        ",chunked",
        "chunked,",
        "chunked;q=1",
        "\"chunked\"",
        "chunked chunked",
        "\u{a0}chunked",
        "chunked, gzip, chunked",
        "gzip;q=1, chunked",
    ];
    check_head_refused(
        Rule::InvalidTransferEncoding,
        wrong.map(|coding| with_fields(&format!("Transfer-Encoding: {coding}"))),
    );
    check_head_refused(
        Rule::RepeatedTransferEncoding,
        [
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nX: b\r\nTransfer-encoding: identity",
        ]
        .map(with_fields),
    );
    check_head_refused(
        Rule::TransferEncodingInOldVersion,
        ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    );
    check_passed(
        ["Transfer-Encoding: chunked", "TRANSFER-ENCODING:CHUNKED\t", "transfer-encoding: \t Chunked"]
            .map(|fields| with_fields(fields) + "0\r\n\r\n"),
    );
}

#[test]
fn chunks_that_are_right_pass() {
    check_passed(
        [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "0003\r\nabc\r\n1\r\n\n\r\n000\r\n\r\n",
            "a\r\n0123456789\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
            "3;a\r\nabc\r\n0;b=c;d=\"e;\\\"f\"\r\n\r\n",
            "3; a = b;c\r\nabc\r\n0\r\n\r\n",
            "0\r\nX: b\r\nY:\r\n\r\n",
        ]
        .map(with_chunks),
    );
    let verdict = requests(with_chunks("3;a=\"b\"\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX: b\r\n\r\n"));
    assert_eq!(verdict.progress.content_bytes, 19);
}

#[test]
fn chunk_sizes_are_plain_hexadecimal_numbers() {
    let wrong = [
        "",
        "0x3",
        "+3",
        "-1",
        " 3",
        "3 ",
        "3\t",
        "zz",
        "3g",
        "3,",
        ";a",
        "3 ;a",
        "3\"",
        "00000000000000003",
        "8000000000000000",
        "ffffffffffffffff",
        "10000000000000000",
        "\u{fc}",
        "0 ",
        "0x0",
        "3.0",
        "3_0",
    ];
    check_refused(Rule::InvalidChunkSize, wrong.map(|size| with_chunks(&format!("{size}\r\nabc\r\n0\r\n\r\n"))));
    check_refused(
        Rule::BareLineFeed,
        ["3\nabc\r\n0\r\n\r\n", "3;a\nabc\r\n0\r\n\r\n", "0\n\r\n", "\n3\r\n", "3;a=\"\n\"\r\n"].map(with_chunks),
    );
    check_refused(
        Rule::BareCarriageReturn,
        ["3\rabc\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n", "3\r\r\nabc\r\n"].map(with_chunks),
    );
    check_refused(Rule::ControlCharacter, ["3\0\r\nabc\r\n", "3;a\x0b\r\nabc\r\n"].map(with_chunks));
}

#[test]
fn chunk_extensions_are_names_with_values_and_bounded() {
    let wrong = [
        ";",
        "; ",
        ";;",
        ";=",
        ";=b",
        ";a=",
        ";a=;b",
        ";a=b c",
        ";a=\"b",
        ";a=\"b\\",
        ";a=\"b\"c",
        ";a b",
        ";a=b=c",
        ";\u{fc}",
        ";a;",
        ";a ",
        ";a=b ",
        ";a ;b",
    ];
    check_refused(Rule::InvalidChunkExtension, wrong.map(|text| with_chunks(&format!("3{text}\r\nabc\r\n0\r\n\r\n"))));

    let limit = Limits::requests().chunk_extension_bytes;
    let extension = |bytes: usize| format!("3;{}\r\nabc\r\n", "a".repeat(bytes - 1));
    check_passed([with_chunks(&format!("{}0\r\n\r\n", extension(limit)))]);
    check_refused(
        Rule::ChunkLineTooLong,
        [with_chunks(&extension(limit + 1)), with_chunks(&format!("3;{}", "a".repeat(limit * 2)))],
    );
    let spread = extension(limit / 4).repeat(4);
    check_passed([with_chunks(&format!("{spread}0\r\n\r\n"))]);
    check_refused(Rule::ChunkLineTooLong, [with_chunks(&format!("{spread}0;a\r\n\r\n"))]);
}

#[test]
fn a_chunk_ends_with_a_line_end() {
    check_refused(
        Rule::MissingChunkEnd,
        [
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\r\nabc0\r\n\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "3\r\nabc\rX0\r\n\r\n",
            "1\r\nab\r\n",
            "3\r\nabc\r\r\n",
        ]
        .map(with_chunks),
    );
}

#[test]
fn trailers_are_fields_without_framing_and_bounded() {
    check_refused(
        Rule::FramingFieldInTrailers,
        ["Content-Length: 3", "transfer-encoding: chunked", "X: b\r\nHost: b"]
            .map(|line| with_chunks(&format!("0\r\n{line}\r\n\r\n"))),
    );
    for (rule, line) in [
        (Rule::SpaceBeforeColon, "X : b"),
        (Rule::FoldedLine, "X: b\r\n c"),
        (Rule::MissingColon, "X"),
        (Rule::EmptyFieldName, ": b"),
        (Rule::InvalidFieldName, "GET / HTTP/1.1"),
        (Rule::BareLineFeed, "X: b\nY: c"),
        (Rule::BareCarriageReturn, "X: b\rc"),
        (Rule::ControlCharacter, "X: \0"),
    ] {
        check_refused(rule, [with_chunks(&format!("0\r\n{line}\r\n\r\n"))]);
    }
    let limits = Limits::requests();
    let many = |count: usize| with_chunks(&format!("0\r\n{}\r\n", "X: b\r\n".repeat(count)));
    check_passed([many(limits.fields)]);
    check_refused(Rule::TooManyFields, [many(limits.fields + 1)]);
    let sized = |bytes: usize| with_chunks(&format!("0\r\nX: {}\r\n\r\n", "b".repeat(bytes - "X: \r\n\r\n".len())));
    check_passed([sized(limits.trailer_bytes)]);
    check_refused(Rule::TrailersTooLarge, [sized(limits.trailer_bytes + 1)]);
}

#[test]
fn no_part_of_refused_trailers_passes() {
    let text = with_chunks("3\r\nabc\r\n0\r\nX: b\r\nHost: a\r\n\r\n");
    let before = text.find("X: b").unwrap();
    assert_eq!(requests(&text).progress.bytes, before as u64);
}
