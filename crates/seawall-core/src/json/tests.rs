//! The scanner: what it refuses and why, that parts do not matter, and that other readers read what it lets pass alike.

use proptest::prelude::*;

use super::*;

fn limits() -> Limits {
    Limits { depth: 3, items: 4, keys: 4, characters: 5, digits: 10 }
}

/// Fed in parts of this size.
fn scan(document: &[u8], limits: Limits, part: usize) -> Result<(), Refusal> {
    let mut scanner = Scanner::new(limits);
    for part in document.chunks(part.max(1)) {
        scanner.feed(part)?;
    }
    scanner.finish().map(drop)
}

/// The same refusal however it arrives.
fn fault(document: &[u8]) -> Option<(Fault, u64)> {
    let whole = scan(document, limits(), usize::MAX);
    for part in 1..=document.len().min(9) {
        let parted = scan(document, limits(), part);
        let shown = String::from_utf8_lossy(document);
        assert_eq!(parted.map_err(|refusal| refusal.fault), whole.map_err(|refusal| refusal.fault), "{shown}");
        if whole.is_err_and(|refusal| refusal.fault != Fault::NotUtf8) {
            assert_eq!(parted, whole, "{shown} in parts of {part}");
        }
    }
    whole.err().map(|refusal| (refusal.fault, refusal.at))
}

#[test]
fn wk_1_a_document_within_the_limits_passes() {
    for good in [
        "{}",
        " [ ] ",
        "null",
        "\t-0.5e-3\r\n",
        "0",
        r#""ab\n\u00e9d""#,
        r#"{"a":[1,2,3,4],"b":{"a":[]},"c":"12345","":true}"#,
        r#"[[1],[2],[{"x":false}],4]"#,
        r#"{"é":"\ud83d\ude00🎉é12"}"#,
        r#"[{"a":1},{"a":1}]"#,
    ] {
        assert_eq!(fault(good.as_bytes()), None, "{good}");
    }
}

#[test]
fn wk_1_what_is_beyond_a_limit_is_refused_where_it_stands() {
    for (bad, expected, at) in [
        ("[[[[]]]]", Fault::TooDeep, 3),
        ("[1,2,3,4,5]", Fault::TooManyItems, 9),
        (r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#, Fault::TooManyKeys, 25),
        ("12345678901", Fault::LongNumber, 10),
    ] {
        assert_eq!(fault(bad.as_bytes()), Some((expected, at)), "{bad}");
    }
    // Where in a long string its part ends is no matter for whether it is too long.
    for bad in [r#""123456""#, r#"["éééééé"]"#, r#"{"123456":1}"#, r#""\u0031\n3456""#] {
        for part in 1..=bad.len() {
            let refused = scan(bad.as_bytes(), limits(), part).unwrap_err();
            assert_eq!(refused.fault, Fault::LongString, "{bad} in parts of {part}");
        }
    }
}

#[test]
fn wk_1_what_is_no_json_or_is_read_in_two_ways_is_refused() {
    for (bad, expected) in [
        (&b""[..], Fault::Empty),
        (b"  \n", Fault::Empty),
        (b"{\"a\":1", Fault::Cut),
        (b"\"abc", Fault::Cut),
        (b"[1,", Fault::Cut),
        (b"tru", Fault::Cut),
        (b"{} {}", Fault::TrailingData),
        (b"1]", Fault::TrailingData),
        (b"1,2", Fault::TrailingData),
        (b"nulll", Fault::TrailingData),
        (b"{a:1}", Fault::Unexpected),
        (b"[1,]", Fault::Unexpected),
        (b"{\"a\":1,}", Fault::Unexpected),
        (b"{\"a\" 1}", Fault::Unexpected),
        (b"[1}", Fault::Unexpected),
        (b"'a'", Fault::Unexpected),
        (b"/* */ 1", Fault::Unexpected),
        (b"nul1", Fault::Unexpected),
        (b"\xef\xbb\xbf{}", Fault::ByteOrderMark),
        (b"\"\xff\"", Fault::NotUtf8),
        (b"\"\xc3\"", Fault::NotUtf8),
        (b"\"\xc3a\"", Fault::NotUtf8),
        (b"\"\xc0\x80\"", Fault::NotUtf8),
        (b"\"\xed\xa0\x80\"", Fault::NotUtf8),
        (b"\"\xf4\x90\x80\x80\"", Fault::NotUtf8),
        (b"\"\xe2\x82\\n\"", Fault::NotUtf8),
        (b"\"a\nb\"", Fault::ControlCharacter),
        (b"\"a\0b\"", Fault::Null),
        (b"[\0]", Fault::Null),
        (b"\"\\u0000\"", Fault::Null),
        (b"{\"\\u0000\":1}", Fault::Null),
        (b"\"\\x41\"", Fault::BadEscape),
        (b"\"\\u00g0\"", Fault::BadEscape),
        (b"\"\\ud800\"", Fault::LoneSurrogate),
        (b"\"\\ud800a\"", Fault::LoneSurrogate),
        (b"\"\\ud800\\n\"", Fault::LoneSurrogate),
        (b"\"\\ud800\\u0041\"", Fault::LoneSurrogate),
        (b"\"\\udc00\"", Fault::LoneSurrogate),
        (b"NaN", Fault::NotANumber),
        (b"[Infinity]", Fault::NotANumber),
        (b"-Infinity", Fault::BadNumber),
        (b"01", Fault::TrailingData),
        (b"[1.]", Fault::BadNumber),
        (b"[.5]", Fault::Unexpected),
        (b"[+1]", Fault::Unexpected),
        (b"1e", Fault::BadNumber),
        (b"[1e999]", Fault::LargeNumber),
        (b"-1e400", Fault::LargeNumber),
        (b"{\"a\":1,\"a\":2}", Fault::DuplicateKey),
        (b"{\"a\":1,\"\\u0061\":2}", Fault::DuplicateKey),
        (b"{\"b\":{\"a\":1},\"b\":2}", Fault::DuplicateKey),
        (b"{\"\":1,\"\":2}", Fault::DuplicateKey),
    ] {
        assert_eq!(fault(bad).map(|(fault, _)| fault), Some(expected), "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn objects_with_many_keys_are_told_apart_and_have_no_key_twice() {
    let limits = Limits { keys: 100_000, depth: 3, ..Limits::default() };
    let object = |from: usize, to: usize, last: &str| {
        let pairs: Vec<_> = (from..to).map(|number| format!("\"k{number}\":1")).collect();
        format!("{{{}{last}}}", pairs.join(","))
    };
    for count in [63, 64, 65, 66, 1_000] {
        let plain = object(0, count, "");
        assert_eq!(scan(plain.as_bytes(), limits, 7), Ok(()));
        let inside = object(0, count, &format!(",\"more\":{},\"other\":{plain}", object(0, count, "")));
        assert_eq!(scan(inside.as_bytes(), limits, 4_096), Ok(()), "{count}");
        for twice in [0, 1, count / 2, count - 1] {
            let twice = object(0, count, &format!(",\"k{twice}\":1"));
            let refused = scan(twice.as_bytes(), limits, 4_096).unwrap_err();
            assert_eq!(refused.fault, Fault::DuplicateKey, "{count}");
        }
    }
}

#[test]
fn a_refusal_is_shown_by_the_way_to_it() {
    for (document, way) in [
        (r#"{"items":[{"name":1},{"name":"123456"}]}"#, "/items/1/name"),
        (r#"[1,2,3,4,5]"#, "/4"),
        (r#"{"a/b":{"c~":[[1]]}}"#, "/a~1b/c~0/0"),
        (r#"{"a":1,"a":2}"#, "/a"),
        ("[1,", "/1"),
        ("nope", ""),
    ] {
        assert_eq!(pointer(document.as_bytes(), limits()), way, "{document}");
    }
}

/// Writes down what it is told, as JSON.
#[derive(Default)]
struct Writer {
    text: String,
    first: bool,
    part: String,
}

impl Writer {
    /// What it is told, which the part has at its place.
    fn said(&self, told: Told<'_>) -> String {
        if let Some((begin, end)) = told.place() {
            assert_eq!(self.part.get(begin..end), Some(told.text()));
        }
        told.text().to_owned()
    }

    fn value(&mut self, text: &str) {
        if !self.first && self.text.ends_with(|last| last != '[' && last != ':') && !self.text.is_empty() {
            self.text.push(',');
        }
        self.first = false;
        self.text.push_str(text);
    }
}

impl Sink for Writer {
    const TEXTS: bool = true;

    fn open(&mut self, array: bool) {
        self.value(if array { "[" } else { "{" });
    }
    fn close(&mut self) {
        let open = self.text.chars().rev().scan(0, |depth, sign| {
            *depth += match sign {
                ']' | '}' => 1,
                '[' | '{' => -1,
                _ => 0,
            };
            Some((*depth, sign))
        });
        let sign = open.into_iter().find(|(depth, _)| *depth < 0).map(|(_, sign)| sign);
        self.text.push(if sign == Some('[') { ']' } else { '}' });
    }
    fn part(&mut self, text: &str) {
        self.part = text.to_owned();
    }
    fn key(&mut self, key: Told<'_>, hash: u64) {
        let key = self.said(key);
        assert_eq!(hash, key_hash(&key));
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        self.text.push_str(&format!("{}:", serde_json::Value::from(key)));
    }
    fn text(&mut self, text: Told<'_>) {
        let text = self.said(text);
        self.value(&serde_json::Value::from(text).to_string());
    }
    fn number(&mut self, number: Told<'_>) {
        let number = self.said(number);
        self.value(&number);
    }
    fn word(&mut self, word: Word) {
        self.value(std::str::from_utf8(word.text()).unwrap());
    }
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-zäöé🎉\"\\\\/\n\t ]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::btree_map("[a-z\"ü]{0,4}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_as_json_passes_in_parts_of_any_size_and_is_told_as_it_is(value in values(), part in 1_usize..40) {
        let text = value.to_string();
        // Brackets in texts would confuse the writer of this test, not the scanner.
        let mut scanner = Scanner::telling(Limits::default(), Writer::default());
        for part in text.as_bytes().chunks(part) {
            scanner.feed(part).unwrap();
        }
        let told = scanner.finish().unwrap().text;
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap(), value);
    }

    #[test]
    fn whatever_passes_others_read_too_and_parts_do_not_matter(document in "[\\[\\]{}:,\"\\\\u0-9a-fA-F.eE+ truefalsn\u{0}é-]{0,24}", part in 1_usize..8) {
        let whole = scan(document.as_bytes(), Limits::default(), usize::MAX);
        prop_assert_eq!(scan(document.as_bytes(), Limits::default(), part), whole);
        let other = serde_json::from_str::<serde_json::Value>(&document);
        match whole {
            Ok(()) => prop_assert!(other.is_ok(), "{} passes here only", document),
            Err(refusal) => prop_assert!(
                other.is_err() || matches!(refusal.fault, Fault::DuplicateKey | Fault::Null | Fault::TooDeep | Fault::LongNumber),
                "{} is refused here only: {}", document, refusal
            ),
        }
    }

    #[test]
    fn long_keys_and_strings_are_told_as_they_are_however_they_are_cut(
        fields in proptest::collection::btree_map("[a-z é🎉\"\\\\\n]{0,90}|[a-z]{0,90}", "[a-z é🎉\"\\\\\n]{0,90}|[a-z]{0,200}", 0..4),
        part in 1_usize..200,
    ) {
        let value = serde_json::Value::from_iter(fields);
        let text = serde_json::to_string_pretty(&value).unwrap();
        let mut scanner = Scanner::telling(Limits::default(), Writer::default());
        for part in text.as_bytes().chunks(part) {
            scanner.feed(part).unwrap();
        }
        let told = scanner.finish().unwrap().text;
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap(), value);
    }

    #[test]
    fn one_wrong_byte_is_found_alike_in_parts_and_at_once(
        keys in proptest::collection::vec("[a-zé]{0,40}", 0..4), wrong in any::<u8>(), at in any::<proptest::sample::Index>(), part in 1_usize..64,
    ) {
        let fields: Vec<_> = keys.iter().map(|key| format!("\"{key}\": [-1.50, 20e1, \"{key} {key}\", true, {{}}]")).collect();
        let mut document = format!("{{{}}}", fields.join(",")).into_bytes();
        *at.get_mut(&mut document) = wrong;
        let (whole, parted) = (scan(&document, Limits::default(), usize::MAX), scan(&document, Limits::default(), part));
        prop_assert_eq!(parted.map_err(|refusal| refusal.fault), whole.map_err(|refusal| refusal.fault));
        if whole.is_err_and(|refusal| refusal.fault != Fault::NotUtf8) {
            prop_assert_eq!(parted, whole);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(document in proptest::collection::vec(any::<u8>(), 0..64), part in 1_usize..9) {
        let whole = scan(&document, limits(), usize::MAX);
        prop_assert_eq!(scan(&document, limits(), part).is_ok(), whole.is_ok());
        let _shown = pointer(&document, limits());
    }
}
