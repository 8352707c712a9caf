//! The checker of HTTP framing and the HTTP library behind it agree on generated messages, right ones and changed ones.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "../../seawall/tests/it/corpus/cases.rs"]
mod cases;

use fastrand::Rng;
use seawall_fuzz::agreement::{self, block_on};

fn answer(rng: &mut Rng) -> Vec<u8> {
    let line = rng.choice(["200 OK", "404", "500 ", "204 No Content", "304 Not Modified", "206 Part \u{fc}"]).unwrap();
    let interim =
        rng.choice(["", "", "", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"]).unwrap();
    let (framing, body) = body(rng);
    let (framing, body) = if line.starts_with("204") { (String::new(), Vec::new()) } else { (framing, body) };
    let body = if line.starts_with("304") { Vec::new() } else { body };
    let name = text(rng, LETTERS, 8);
    let value = text(rng, VALUE, 20);
    [format!("{interim}HTTP/1.1 {line}\r\nx{name}:{value}\r\n{framing}\r\n").as_bytes(), &body].concat()
}

fn text(rng: &mut Rng, letters: &[u8], most: usize) -> String {
    (0..rng.usize(..=most)).map(|_| char::from(*rng.choice(letters).unwrap())).collect()
}

const LETTERS: &[u8] = b"abcxyzABC019-";
const TARGET: &[u8] = b"/abc019%;=.,:@!$&'()*+-_~[]{}|\\^?";
const VALUE: &[u8] = b"abc 019\t,;:=\"()/\\";

/// A body and the field that frames it.
fn body(rng: &mut Rng) -> (String, Vec<u8>) {
    match rng.u8(..3) {
        0 => (String::new(), Vec::new()),
        1 => {
            let body = text(rng, VALUE, 60).into_bytes();
            (format!("Content-Length: {}\r\n", body.len()), body)
        }
        _ => {
            let mut body = Vec::new();
            for _ in 0..rng.usize(..4) {
                let data = text(rng, b"ab\r\n", 30) + "x";
                let extension = rng.choice(["", "", ";a", ";a=b", "; a = \"b;c\\\"\"", ";a;b=c"]).unwrap();
                body.extend_from_slice(format!("{:x}{extension}\r\n{data}\r\n", data.len()).as_bytes());
            }
            let trailers = rng.choice(["", "", "X-T: a\r\n", "X-T:\r\nY-T: b\tc \r\n"]).unwrap();
            body.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
            ("Transfer-Encoding: chunked\r\n".to_owned(), body)
        }
    }
}

fn request(rng: &mut Rng) -> Vec<u8> {
    let method = rng.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS", "PURGE", "M-X!"]).unwrap();
    let prefix = rng.choice(["/", "/", "/", "http://a.example", "https://[::1]:80/", "http://a?"]).unwrap();
    let target = format!("{prefix}{}", if prefix.ends_with('e') { String::new() } else { text(rng, TARGET, 20) });
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    let mut fields = vec!["Host: a.example".to_owned()];
    for _ in 0..rng.usize(..4) {
        fields.push(format!("x{}:{}", text(rng, LETTERS, 8), text(rng, VALUE, 20)));
    }
    let (framing, body) = body(rng);
    fields.extend(framing.strip_suffix("\r\n").map(str::to_owned));
    rng.shuffle(&mut fields);
    head.extend(fields.iter().map(|field| format!("{field}\r\n")));
    [head.as_bytes(), b"\r\n", &body].concat()
}

/// Replaces, removes, inserts or doubles some bytes, often with those that framing is made of.
fn change(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        if bytes.is_empty() {
            return;
        }
        let place = rng.usize(..bytes.len());
        let byte = if rng.bool() { *rng.choice(b"\r\n \t:;,\0#0+x\xff?/=\"").unwrap() } else { rng.u8(..) };
        match rng.u8(..5) {
            0 => bytes[place] = byte,
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, byte),
            3 => bytes.insert(place, bytes[place]),
            _ => {
                let end = rng.usize(place..bytes.len());
                let part = bytes[place..end.min(place + 40)].to_vec();
                let to = rng.usize(..bytes.len());
                bytes.splice(to..to, part);
            }
        }
    }
}

#[test]
fn generated_requests_are_read_alike() {
    block_on(async {
        let mut rng = Rng::with_seed(9112);
        for _ in 0..5_000 {
            let requests = (0..rng.usize(1..5)).map(|_| request(&mut rng)).collect::<Vec<_>>().concat();
            assert!(agreement::requests(&requests).await.all_passed, "refused: {}", requests.escape_ascii());
        }
    });
}

#[test]
fn changed_requests_are_read_alike() {
    block_on(async {
        let mut rng = Rng::with_seed(9110);
        let mut passed = 0;
        for _ in 0..20_000 {
            let mut requests = (0..rng.usize(1..4)).map(|_| request(&mut rng)).collect::<Vec<_>>().concat();
            change(&mut rng, &mut requests);
            passed += u32::from(agreement::requests(&requests).await.all_passed);
        }
        assert!(passed > 2_000, "only {passed} changed streams passed whole");
    });
}

#[test]
fn the_corpus_and_changes_of_it_are_read_alike() {
    block_on(async {
        let mut rng = Rng::with_seed(3986);
        for case in cases::cases() {
            let all = agreement::requests(&case.bytes).await.all_passed;
            if case.bytes.len() < 1_000 {
                assert!(all || matches!(case.must, cases::Must::Refuse(_)), "{}, {}", case.name, case.most);
                for _ in 0..30 {
                    let mut bytes = case.bytes.clone();
                    change(&mut rng, &mut bytes);
                    agreement::requests(&bytes).await;
                }
            }
        }
    });
}

#[test]
fn generated_and_changed_answers_are_read_alike() {
    block_on(async {
        let mut rng = Rng::with_seed(9111);
        for _ in 0..5_000 {
            let mut bytes = answer(&mut rng);
            assert!(agreement::answer(&bytes, "GET").await, "refused: {}", bytes.escape_ascii());
            agreement::answer(&bytes, "HEAD").await;
            change(&mut rng, &mut bytes);
            agreement::answer(&bytes, "GET").await;
            agreement::answer(&bytes, "HEAD").await;
        }
    });
}
