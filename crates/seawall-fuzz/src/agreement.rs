//! The checker of HTTP framing and the HTTP library behind it read the same bytes alike: what the checker passes, the library
//! takes for the same number of messages with the same bodies.

use std::{cell::RefCell, convert::Infallible, io::Cursor, rc::Rc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use seawall_core::http::framing::{Limits, Outcome, RequestChecker, ResponseChecker, ResponseTo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A request as the library sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// What it asks for.
    pub target: String,
    /// Names with their values, ordered by name.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// How long its body is; nothing when the body did not come whole.
    pub body: Option<u64>,
    /// Whether the library closes after its answer.
    closes: bool,
}

/// What both agreed on.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Whether the checker passed all bytes.
    pub all_passed: bool,
    /// The requests in what it passed.
    pub seen: Vec<Seen>,
}

/// Runs one of the checks below. They wait for nothing but themselves.
pub fn block_on<T>(check: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(check)
}

/// Both agree on what the checker passes of a client's bytes.
///
/// # Panics
/// They do not.
pub async fn requests(bytes: &[u8]) -> Agreed {
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
    Agreed { all_passed: passed.len() == bytes.len(), seen }
}

/// Both agree on what the checker passes of an application's bytes, the answer to one request. Says whether it passed all of
/// them.
///
/// # Panics
/// They do not.
pub async fn answer(bytes: &[u8], method: &str) -> bool {
    let to = if method == "HEAD" { ResponseTo::Head } else { ResponseTo::Other };
    let mut checker = ResponseChecker::new(Limits::responses());
    checker.expect(to);
    let checked = checker.check(bytes);
    // Seen by the checker up to there, the answer is whole or not, whatever came after.
    let mut front = ResponseChecker::new(Limits::responses());
    front.expect(to);
    front.check(&bytes[..checked.passed]);
    let expected = (front.awaited() == 0).then(|| front.at_end().ok().map(|()| front.progress().content_bytes));
    let seen = answer_by_library(&bytes[..checked.passed], method).await;
    assert_eq!(seen, expected, "{:?} to {method}: {}", checked.outcome, bytes.escape_ascii());
    checked.passed == bytes.len()
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
            let index = seen.borrow().len();
            seen.borrow_mut().push(Seen {
                method: request.method().to_string(),
                target: request.uri().to_string(),
                fields: fields(request.headers()),
                body: None,
                closes: closes(&request),
            });
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

fn fields(headers: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    let mut fields: Vec<_> = headers.iter().map(field).collect();
    fields.sort_by(|left, right| left.0.cmp(&right.0));
    fields
}

fn closes(request: &Request<Incoming>) -> bool {
    let asks = |option: &str| {
        let connection = request.headers().get_all("connection").iter();
        let mut options = connection.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        options.any(|asked| asked.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    asks("close") || (request.version() == Version::HTTP_10 && !asks("keep-alive"))
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
