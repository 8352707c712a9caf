//! Forms: what is refused and why, and that parts do not matter.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn limits() -> Limits {
    Limits { fields: 3, files: 2, characters: 5, depth: 2, file_bytes: 100, duplicates: Duplicates::Refuse }
}

/// Fed in parts of this size.
fn urlencoded(form: &[u8], limits: Limits, part: usize) -> Result<(), Refusal> {
    let mut reader = Urlencoded::new(limits);
    form.chunks(part.max(1)).try_for_each(|part| reader.feed(part))?;
    reader.finish()
}

fn multipart(form: &[u8], types: &[&str], part: usize) -> Result<(), Refusal> {
    let types: Arc<[_]> = types.iter().map(|name| FileType::named(name).unwrap()).collect();
    let mut reader = Multipart::new(&Boundary::of(b"multipart/form-data; boundary=bb").unwrap(), limits(), types);
    form.chunks(part.max(1)).try_for_each(|part| reader.feed(part))?;
    reader.finish()
}

/// The same fault however it arrives.
fn alike(form: &[u8], read: impl Fn(&[u8], usize) -> Result<(), Refusal>) -> Option<Fault> {
    let whole = read(form, usize::MAX).map_err(|refusal| refusal.fault);
    for part in (1..=form.len().min(9)).chain([63, 64, 65]) {
        let parted = read(form, part).map_err(|refusal| refusal.fault);
        assert_eq!(parted, whole, "{} in parts of {part}", form.escape_ascii());
    }
    whole.err()
}

fn pairs(form: &[u8]) -> Option<Fault> {
    alike(form, |form, part| urlencoded(form, limits(), part))
}

fn parts(form: &str, types: &[&str]) -> Option<Fault> {
    alike(form.as_bytes(), |form, part| multipart(form, types, part))
}

/// A form of one part with this head and content.
fn one(head: &str, content: &str) -> String {
    format!("--bb\r\n{head}\r\n\r\n{content}\r\n--bb--\r\n")
}

fn named(parameters: &str) -> String {
    one(&format!("Content-Disposition: form-data; {parameters}"), "x")
}

#[test]
fn wk_1_pairs_within_the_limits_pass() {
    for good in [
        "",
        "a=1",
        "a",
        "=",
        "a=1&b=2&c=3",
        "&&a=1&&b",
        "a=%41+%c3%a9xx",
        "a=é€",
        "a[b]=1&a[]=1&b[]=2",
        "x[]=1&x[]=2",
        "a==&b=",
        "a=%0d%0A",
        "%61=1",
    ] {
        assert_eq!(pairs(good.as_bytes()), None, "{good}");
    }
}

#[test]
fn wk_1_pairs_beyond_a_limit_or_that_are_read_in_two_ways_are_refused() {
    for (bad, expected) in [
        (&b"a&b&c&d"[..], Fault::TooManyFields),
        (b"a=123456", Fault::LongText),
        (b"a=%31%32+456", Fault::LongText),
        ("a=éééééé".as_bytes(), Fault::LongText),
        (b"123456=", Fault::LongText),
        (b"a[[[=1", Fault::TooDeep),
        (b"a%5B[%5b=1", Fault::TooDeep),
        (b"a=1&a=2", Fault::DuplicateName),
        (b"a=1&%61", Fault::DuplicateName),
        (b"=1&=2", Fault::DuplicateName),
        (b"a=\xff", Fault::NotUtf8),
        (b"a=%ff", Fault::NotUtf8),
        (b"a=%c3", Fault::NotUtf8),
        (b"a=%c3x", Fault::NotUtf8),
        (b"a=\xc3%a", Fault::BadPercent),
        (b"a=%ed%a0%80", Fault::NotUtf8),
        (b"a=%c0%80", Fault::NotUtf8),
        (b"%c3=1", Fault::NotUtf8),
        (b"a=%00", Fault::Null),
        (b"a=\0", Fault::Null),
        (b"%00=1", Fault::Null),
        (b"a=%4", Fault::BadPercent),
        (b"a=%", Fault::BadPercent),
        (b"a=%zz", Fault::BadPercent),
        (b"a=%+1", Fault::BadPercent),
        (b"a=%4&b", Fault::BadPercent),
        (b"a=1\n", Fault::ControlCharacter),
        (b"\r\na=1", Fault::ControlCharacter),
    ] {
        assert_eq!(pairs(bad), Some(expected), "{}", bad.escape_ascii());
    }
    let lists = Limits { duplicates: Duplicates::Allow, ..limits() };
    assert_eq!(urlencoded(b"a=1&a=2", lists, 1), Ok(()));
    assert_eq!(urlencoded(b"ab=1&ab=2%", limits(), 9).unwrap_err(), Refusal { fault: Fault::DuplicateName, at: 7 });
}

#[test]
fn wk_1_parts_within_the_limits_pass() {
    let file = "--bb\r\nContent-Disposition: form-data; name=f; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\x01\r\n-\r--b\n\r\r\n--bb--";
    for good in [
        "--bb--",
        "--bb--\r\n",
        file,
        &named("name=\"a\""),
        &named("name=a;"),
        &named("name=a ; x=\"y;z\""),
        &named("filename=\"\"; name=a"),
        &one("content-disposition:FORM-DATA;NAME=a\r\nX-Y: z\r\nContent-Transfer-Encoding: 8bit", ""),
        &one("Content-Disposition: form-data; name=\"é\"", "é\r\n€"),
        "--bb\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--bb\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--bb--",
    ] {
        assert_eq!(parts(good, &[]), None, "{good}");
    }
}

#[test]
fn wk_1_boundaries_that_are_read_in_two_ways_are_refused() {
    for (bad, expected) in [
        ("", Fault::Cut),
        ("--bb", Fault::Cut),
        ("--bb-", Fault::Cut),
        ("--bb\r\nContent-Disposition: form-data; name=a\r\n\r\n1", Fault::Cut),
        ("--bb\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--bb\r\n", Fault::Cut),
        ("\r\n--bb--", Fault::Preamble),
        ("hello\r\n--bb--", Fault::Preamble),
        ("--bc--", Fault::Preamble),
        ("--bb --", Fault::BadDelimiter),
        ("--bb\n", Fault::BadDelimiter),
        ("--bbb\r\n", Fault::BadDelimiter),
        ("--bb-x", Fault::BadDelimiter),
        (&one("Content-Disposition: form-data; name=a", "1\n--bb--"), Fault::BadDelimiter),
        (&one("Content-Disposition: form-data; name=a\r\n--bbtent-Type: text/plain", "1"), Fault::BadDelimiter),
        (&one("Content-Disposition: form-data; name=a", "1\r\n--bbx"), Fault::BadDelimiter),
        ("--bb\r\nContent-Disposition: form-data; name=a\r\n\r\n--bb--", Fault::BadDelimiter),
        ("--bb--x", Fault::Epilogue),
        ("--bb--\r", Fault::Epilogue),
        ("--bb--\r\n\r\n", Fault::Epilogue),
    ] {
        assert_eq!(parts(bad, &[]), Some(expected), "{bad}");
    }
}

#[test]
fn wk_1_heads_of_parts_that_are_read_in_two_ways_are_refused() {
    for (bad, expected) in [
        ("--bb\r\n\r\n1\r\n--bb--", Fault::NoName),
        (&one("X: y", ""), Fault::NoName),
        (&one("Content-Disposition: attachment; name=a", ""), Fault::NoName),
        (&named("filename=a"), Fault::NoName),
        (
            &one("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", ""),
            Fault::TwiceInHead,
        ),
        (
            &one("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-type: c/d", ""),
            Fault::TwiceInHead,
        ),
        (&named("name=a; name=b"), Fault::TwiceInHead),
        (&named("name=a; filename=b; FileName=c"), Fault::TwiceInHead),
        (&named("name=a; filename*=utf-8''b"), Fault::EncodedParameter),
        (&named("name=a; filename*0=b"), Fault::EncodedParameter),
        (&named("name=\"a\\\"b\""), Fault::Backslash),
        (&named("name=a; filename=\"..\\a\""), Fault::Backslash),
        (&named("name=\"a"), Fault::BadHead),
        (&named("name=\"a\"b"), Fault::BadHead),
        (&named("name=a b"), Fault::BadHead),
        (&named("name"), Fault::BadHead),
        (&named("=a"), Fault::BadHead),
        (&named("name=a; filename=\"a/b\""), Fault::BadFileName),
        (&named("name=a; filename=../b"), Fault::BadFileName),
        (&named("name=a; filename=.."), Fault::BadFileName),
        (&named("name=a; filename=a%2Fb"), Fault::BadFileName),
        (&named("name=a; filename=a.php%00.png"), Fault::BadFileName),
        (&named(&format!("name=a; filename={}", "x".repeat(256))), Fault::LongText),
        (&one("Content-Disposition: form-data;\r\n name=a", ""), Fault::BadHead),
        (&one("Content-Disposition : form-data; name=a", ""), Fault::BadHead),
        (&one("Content-Disposition: form-data; name=a\nX: y", ""), Fault::BadHead),
        (&one("Content-Disposition: form-data; name=\"\0\"", ""), Fault::Null),
        (&one("nothing", ""), Fault::BadHead),
        (
            &one("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", ""),
            Fault::TransferEncoding,
        ),
        (&one(&format!("X: {}", "y".repeat(9_000)), ""), Fault::LargeHead),
    ] {
        assert_eq!(parts(bad, &[]), Some(expected), "{bad}");
    }
}

#[test]
fn wk_1_parts_beyond_a_limit_are_refused() {
    let many = |head: &str, count: usize| {
        let part = |number: usize| format!("--bb\r\nContent-Disposition: form-data; name=a{number}{head}\r\n\r\n1\r\n");
        (0..count).map(part).collect::<String>() + "--bb--"
    };
    let file = "Content-Disposition: form-data; name=a; filename=a";
    for (form, expected) in [
        (many("", 3), None),
        (many("", 4), Some(Fault::TooManyFields)),
        (many("; filename=x", 2), None),
        (many("; filename=x", 3), Some(Fault::TooManyFiles)),
        (one(file, &"x".repeat(100)), None),
        (one(file, &"x".repeat(101)), Some(Fault::LargeFile)),
        (one(file, &"\r\n".repeat(51)), Some(Fault::LargeFile)),
        (one("Content-Disposition: form-data; name=a", "123456"), Some(Fault::LongText)),
        (one("Content-Disposition: form-data; name=a", "1\r\n456"), Some(Fault::LongText)),
        (one("Content-Disposition: form-data; name=a", "\0"), Some(Fault::Null)),
        (named("name=123456"), Some(Fault::LongText)),
        (named("name=a[[["), Some(Fault::TooDeep)),
        (many("", 1).replace("--bb--", "") + &many("", 1), Some(Fault::DuplicateName)),
    ] {
        assert_eq!(parts(&form, &[]), expected, "{form}");
    }
    let not_utf8 = one("Content-Disposition: form-data; name=a", "?").into_bytes();
    let not_utf8: Vec<u8> = not_utf8.into_iter().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    assert_eq!(alike(&not_utf8, |form, part| multipart(form, &[], part)), Some(Fault::NotUtf8));
}

#[test]
fn a_boundary_is_one_that_rfc_2046_takes() {
    let found = |text: &str| Boundary::of(format!("multipart/form-data{text}").as_bytes()).is_some();
    let longest = format!("; boundary={}", "b".repeat(70));
    for good in ["; boundary=b", ";boundary=\"a b:c\"", "; charset=utf-8; BOUNDARY=----=_x", "; boundary=b;", &longest]
    {
        assert!(found(good), "{good}");
    }
    let longer = format!("{longest}b");
    for bad in [
        "",
        "; boundary=",
        "; boundary=\"\"",
        "; boundary=\"a \"",
        "; boundary=a; boundary=a",
        "; boundary=\"a",
        "; boundary=a\\b",
        "; boundary=a, multipart/form-data; boundary=b",
        "; boundary=\"a%\"",
        &longer,
    ] {
        assert!(!found(bad), "{bad}");
    }
}

#[test]
fn a_file_is_what_its_content_says_and_no_other() {
    let sent = |content_type: &str, content: &[u8], types: &[&str]| {
        let head = "--bb\r\nContent-Disposition: form-data; name=a; filename=a";
        let form = [head.as_bytes(), content_type.as_bytes(), b"\r\n\r\n", content, b"\r\n--bb--"].concat();
        alike(&form, |form, part| multipart(form, types, part))
    };
    let png = b"\x89PNG\r\n\x1a\n....";
    let pictures = ["image/png", "image/jpeg"];
    for (content_type, content, types, expected) in [
        ("\r\nContent-Type: image/png", &png[..], &pictures[..], None),
        ("\r\nContent-Type: Image/PNG; x=y", png, &pictures, None),
        ("\r\nContent-Type: image/jpg", b"\xff\xd8\xff\xe0", &pictures, None),
        ("\r\nContent-Type: application/octet-stream", png, &pictures, None),
        ("", png, &pictures, None),
        ("\r\nContent-Type: image/jpeg", png, &pictures, Some(Fault::FileType)),
        ("\r\nContent-Type: text/html", png, &pictures, Some(Fault::FileType)),
        ("\r\nContent-Type: image/png", b"<?php", &pictures, Some(Fault::FileType)),
        ("\r\nContent-Type: image/png", b"", &pictures, Some(Fault::FileType)),
        ("\r\nContent-Type: image/gif", b"GIF89a", &pictures, Some(Fault::FileType)),
        ("\r\nContent-Type: text/html", b"<html>", &[], None),
        ("\r\nContent-Type: text/csv", b"a,b\r\n1,\xc3\xa9", &["text/csv"], None),
        ("\r\nContent-Type: text/csv", &[&[b'a'; 90][..], b"\xc3"].concat(), &["text/csv"], Some(Fault::FileType)),
        ("\r\nContent-Type: text/csv", &[&[b'a'; 90][..], b"\0b"].concat(), &["text/csv"], Some(Fault::FileType)),
        ("\r\nContent-Type: text/csv", b"%PDF-1.7", &["text/csv"], Some(Fault::FileType)),
        ("", b"\0\0\0\x18ftypmp42", &["video/mp4"], None),
        ("", b"\0\0\0\x18ftypqt  ", &["video/mp4"], Some(Fault::FileType)),
        ("", b"RIFF....WEBP", &["image/webp"], None),
        ("", b"RIFF....WAVE", &["image/webp"], Some(Fault::FileType)),
    ] {
        assert_eq!(sent(content_type, content, types), expected, "{content_type} {}", content.escape_ascii());
    }
    let nothing =
        one("Content-Disposition: form-data; name=a; filename=\"\"\r\nContent-Type: application/octet-stream", "");
    assert_eq!(parts(&nothing, &pictures), None, "no file was chosen");
}

#[test]
fn every_type_that_is_known_has_one_name() {
    for kind in &FILE_TYPES {
        assert_eq!(FileType::named(kind.name).map(|known| known.name), Some(kind.name));
    }
    assert_eq!(FileType::named("image/jpg").map(|known| known.name), Some("image/jpeg"));
    assert!(FileType::named("image/svg+xml").is_none(), "it runs scripts, and no first bytes tell it");
}

/// A form put together of what forms are made of, so that it is often almost right.
fn pieces(of: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(of), 0..24).prop_map(|pieces| pieces.concat())
}

const OF_PAIRS: &[&[u8]] = &[
    b"a", b"=", b"&", b"%", b"4", b"1", b"+", b"[", b"]", b"%c3", b"%a9", b"\xc3", b"\xa9", b"%00", b"\0", b"\n",
    b"bcde",
];

const OF_PARTS: &[&[u8]] = &[
    b"--bb",
    b"\r\n",
    b"\r",
    b"\n",
    b"--",
    b"-",
    b"\r\n--bb\r\n",
    b"\r\n--bb--",
    b"\r\n\r\n",
    b"Content-Disposition: form-data; name=a\r\n\r\n",
    b"Content-Disposition: form-data; name=b; filename=c\r\n\r\n",
    b"; filename=\"",
    b"Content-Type: image/png",
    b"\x89PNG\r\n\x1a\n",
    b"123",
    b"\xc3",
    b"\xa9",
    b"\0",
    &[b'x'; 60],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn pairs_are_read_alike_however_they_are_cut(form in pieces(OF_PAIRS)) {
        pairs(&form);
    }

    #[test]
    fn parts_are_read_alike_however_they_are_cut(form in pieces(OF_PARTS), begins in any::<bool>(), typed in any::<bool>()) {
        let front = if begins { &b"--bb\r\nContent-Disposition: form-data; name=f; filename=c\r\n\r\n"[..] } else { b"" };
        let form = [front, &form].concat();
        let types: &[&str] = if typed { &["image/png", "text/plain"] } else { &[] };
        alike(&form, |form, part| multipart(form, types, part));
    }
}
