//! Reads the corpus of requests beside this file. Used by the tests of every crate that must do right by them.

const CORPUS: &str = include_str!("requests.txt");

/// What Seawall must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    /// Nothing is wrong with the bytes.
    Pass,
    /// The framing is right; a guard refuses or changes what the message says.
    Guard,
    /// The bytes break this rule.
    Refuse(&'static str),
}

/// One connection's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) must: Must,
    /// How many requests a receiver that keeps to RFC 9112 may see at most.
    pub(crate) most: u64,
    pub(crate) bytes: Vec<u8>,
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let (_comment, text) = CORPUS.split_once("\n== ").unwrap();
    text.split("\n== ").map(case).collect()
}

fn case(text: &'static str) -> Case {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let name = lines.next().unwrap();
    let (verdict, most) = lines.next().and_then(|line| line.split_once(", most ")).unwrap();
    let must = match verdict.split_once(' ') {
        None if verdict == "pass" => Must::Pass,
        None if verdict == "guard" => Must::Guard,
        Some(("refuse", rule)) => Must::Refuse(rule),
        _ => panic!("{name}: {verdict}"),
    };
    Case { name, must, most: most.parse().unwrap(), bytes: unescape(&lines.collect::<String>()) }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (kind, after) = escaped.split_at(1);
        rest = after;
        match kind {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (digits, after) = rest.split_at(2);
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            "{" => {
                let (repeated, after) = rest.split_once('}').unwrap();
                let (times, text) = repeated.split_once('*').unwrap();
                bytes.extend(unescape(text).repeat(times.parse().unwrap()));
                rest = after;
            }
            other => panic!("\\{other} is no escape"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
