//! What a look costs: `cargo nextest run --release -p seawall-core framing::tests::timing --run-ignored only --no-capture`.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement reads the clock and prints")]

use std::{hint::black_box, time::Instant};

use super::super::{Limits, RequestChecker, ResponseChecker, ResponseTo};

const ROUNDS: u32 = 50_000;

const USUAL_HEAD: &str = "GET /api/v1/articles?page=2&sort=newest HTTP/1.1\r\nHost: app.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
    Referer: https://app.example.com/articles\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\
    Connection: keep-alive\r\n\r\n";

fn measure(name: &str, bytes: &[u8], mut look: impl FnMut(&[u8])) {
    let best = (0..7).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            look(black_box(bytes));
        }
        start.elapsed().as_nanos()
    });
    let nanoseconds = best.min().unwrap_or_default() as f64 / f64::from(ROUNDS);
    println!("{name}: {} bytes, {nanoseconds:.0} ns, {:.2} ns/byte", bytes.len(), nanoseconds / bytes.len() as f64);
}

#[test]
#[ignore = "a measurement"]
fn a_look_at_a_usual_message() {
    let mut requests = RequestChecker::new(Limits::requests());
    let mut request = |bytes: &[u8]| assert_eq!(requests.check(bytes).passed, bytes.len());
    let body = "b".repeat(1024);
    measure("a usual head", USUAL_HEAD.as_bytes(), &mut request);
    let with_length = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n{body}");
    measure("a body of 1 KiB with a length", with_length.as_bytes(), &mut request);
    let with_chunks =
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{body}\r\n0\r\n\r\n");
    measure("a body of 1 KiB in one chunk", with_chunks.as_bytes(), &mut request);
    let cookie = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", "c".repeat(4096));
    measure("a head with a cookie of 4 KiB", cookie.as_bytes(), &mut request);

    let mut responses = ResponseChecker::new(Limits::responses());
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nDate: Sat, 21 Nov 2026 11:00:00 GMT\r\n\r\n{body}"
    );
    measure("an answer of 1 KiB", answer.as_bytes(), |bytes| {
        responses.expect(ResponseTo::Other);
        assert_eq!(responses.check(bytes).passed, bytes.len());
    });
    let mut bytewise = RequestChecker::new(Limits::requests());
    measure("a usual head, byte by byte", USUAL_HEAD.as_bytes(), |bytes| {
        for length in 1..=bytes.len() {
            black_box(bytewise.check(&bytes[..length]));
        }
    });
}
