//! The checker of HTTP framing and the HTTP library behind it read the same bytes alike: what the checker passes, the library
//! takes for the same number of requests with the same bodies.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

#[path = "../../seawall/tests/it/corpus/cases.rs"]
mod cases;

use std::{cell::RefCell, convert::Infallible, io::Cursor, rc::Rc};

use fastrand::Rng;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Bytes, Incoming},
    client,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use seawall_core::http::framing::{Limits, Outcome, RequestChecker, ResponseChecker, ResponseTo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One request as one of the two saw it: the length of its body, or nothing when the body did not come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    body: Option<u64>,
    /// Whether the library closes after its answer.
    closes: bool,
}

/// What the checker passes, how many heads are in it, and the lengths of the bodies that came whole.
fn by_checker(bytes: &[u8]) -> (&[u8], u64, Vec<u64>, Outcome) {
    let mut whole = RequestChecker::new(Limits::requests());
    let checked = whole.check(bytes);
    let passed = &bytes[..checked.passed];

    let mut checker = RequestChecker::new(Limits::requests());
    let (mut front, mut bodies, mut before) = (0, Vec::new(), 0);
    for end in 1..=passed.len() {
        front += checker.check(&bytes[front..end]).passed;
        let progress = checker.progress();
        if progress.messages > bodies.len() as u64 {
            bodies.push(progress.content_bytes - before);
            before = progress.content_bytes;
        }
    }
    assert_eq!(checker.progress(), whole.progress());
    (passed, whole.progress().heads, bodies, checked.outcome)
}

/// What the library's server sees in these bytes.
async fn by_library(bytes: &[u8]) -> Vec<Seen> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let asks = |option: &str| {
                let connection = request.headers().get_all("connection").iter();
                let mut options = connection.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
                options.any(|asked| asked.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
            };
            let closes = asks("close") || (request.version() == Version::HTTP_10 && !asks("keep-alive"));
            let index = seen.borrow().len();
            seen.borrow_mut().push(Seen { body: None, closes });
            if let Ok(body) = request.into_body().collect().await {
                seen.borrow_mut()[index].body = Some(body.to_bytes().len() as u64);
            }
            // Not 200: that would make a tunnel of a CONNECT.
            Ok::<_, Infallible>(Response::builder().status(404).body(Empty::<Bytes>::new()).unwrap())
        }
    });
    let socket = tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink());
    // How the connection ends is of no interest, only what was seen on it.
    let _end = http1::Builder::new()
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(128 * 1024)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    seen.take()
}

/// Both agree on what the checker passes of these bytes. Says whether it passed all of them.
async fn check_agreement(bytes: &[u8]) -> bool {
    let (passed, heads, bodies, outcome) = by_checker(bytes);
    let seen = by_library(passed).await;
    let text = || format!("{outcome:?}: {heads} heads, {bodies:?}, {seen:?}: {}", bytes.escape_ascii());
    let whole = seen.iter().map_while(|seen| seen.body).collect::<Vec<_>>();
    if let Some(last) = seen.iter().position(|seen| seen.closes) {
        // The library reads no further; what it read before is the same.
        assert!(seen.len() == last + 1 && seen.len() as u64 <= heads, "{}", text());
        assert!(bodies.starts_with(&whole), "{}", text());
        assert!(whole.len() == last + 1 || bodies == whole, "{}", text());
    } else {
        assert_eq!(seen.len() as u64, heads, "{}", text());
        assert_eq!(whole, bodies, "{}", text());
    }
    passed.len() == bytes.len()
}

/// What the library's client sees in these bytes as the answer to one request: the length of the body, or nothing when it did
/// not come whole; nothing at all when no head came.
async fn answer_by_library(bytes: &[u8], method: &str) -> Option<Option<u64>> {
    let (socket, mut application) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(socket)).await.ok()?;
    let request = Request::builder().method(method).uri("/").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
    let answered = async move {
        let answer = sender.send_request(request).await.ok()?;
        Some(answer.into_body().collect().await.ok().map(|body| body.to_bytes().len() as u64))
    };
    let answers = async move {
        let asked = application.read(&mut [0; 1_024]).await.unwrap();
        assert!(asked > 0, "the request came first");
        application.write_all(bytes).await.unwrap();
        application.shutdown().await.unwrap();
        // Kept open for what the library may still write.
        application
    };
    // The connection is driven to its end, however it ends; the answer is what counts.
    let (answer, _end, _application) = futures_util::future::join3(answered, connection, answers).await;
    answer
}

/// Both agree on what the checker passes of this answer. Says whether it passed all of it.
async fn check_answer_agreement(bytes: &[u8], method: &str) -> bool {
    let mut checker = ResponseChecker::new(Limits::responses());
    checker.expect(if method == "HEAD" { ResponseTo::Head } else { ResponseTo::Other });
    let checked = checker.check(bytes);
    // Seen by the checker up to there, the answer is whole or not, whatever came after.
    let mut front = ResponseChecker::new(Limits::responses());
    front.expect(if method == "HEAD" { ResponseTo::Head } else { ResponseTo::Other });
    front.check(&bytes[..checked.passed]);
    let expected = (front.awaited() == 0).then(|| front.at_end().ok().map(|()| front.progress().content_bytes));
    let seen = answer_by_library(&bytes[..checked.passed], method).await;
    assert_eq!(seen, expected, "{:?} to {method}: {}", checked.outcome, bytes.escape_ascii());
    checked.passed == bytes.len()
}

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

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(test);
}

#[test]
fn generated_requests_are_read_alike() {
    run(async {
        let mut rng = Rng::with_seed(9112);
        for _ in 0..5_000 {
            let requests = (0..rng.usize(1..5)).map(|_| request(&mut rng)).collect::<Vec<_>>().concat();
            assert!(check_agreement(&requests).await, "refused: {}", requests.escape_ascii());
        }
    });
}

#[test]
fn changed_requests_are_read_alike() {
    run(async {
        let mut rng = Rng::with_seed(9110);
        let mut passed = 0;
        for _ in 0..20_000 {
            let mut requests = (0..rng.usize(1..4)).map(|_| request(&mut rng)).collect::<Vec<_>>().concat();
            change(&mut rng, &mut requests);
            passed += u32::from(check_agreement(&requests).await);
        }
        assert!(passed > 2_000, "only {passed} changed streams passed whole");
    });
}

#[test]
fn the_corpus_and_changes_of_it_are_read_alike() {
    run(async {
        let mut rng = Rng::with_seed(3986);
        for case in cases::cases() {
            let all = check_agreement(&case.bytes).await;
            if case.bytes.len() < 1_000 {
                assert!(all || matches!(case.must, cases::Must::Refuse(_)), "{}, {}", case.name, case.most);
                for _ in 0..30 {
                    let mut bytes = case.bytes.clone();
                    change(&mut rng, &mut bytes);
                    check_agreement(&bytes).await;
                }
            }
        }
    });
}

#[test]
fn generated_and_changed_answers_are_read_alike() {
    run(async {
        let mut rng = Rng::with_seed(9111);
        for _ in 0..5_000 {
            let mut bytes = answer(&mut rng);
            assert!(check_answer_agreement(&bytes, "GET").await, "refused: {}", bytes.escape_ascii());
            check_answer_agreement(&bytes, "HEAD").await;
            change(&mut rng, &mut bytes);
            check_answer_agreement(&bytes, "GET").await;
            check_answer_agreement(&bytes, "HEAD").await;
        }
    });
}
