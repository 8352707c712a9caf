//! An HTTP/2 upstream over hyper, by prior knowledge: it records what it sees and how many requests are on each connection.
//!
//! | path | what happens |
//! |---|---|
//! | `/echo` | JSON: `method`, `path`, `authority`, `headers` (list of pairs), `body`, `trailers` (list of pairs) |
//! | `/bytes/N`, `/upload` | N bytes of [`pattern`]; JSON: `received` bytes and their `sum` |
//! | `/mirror` | the body comes back while it is sent |
//! | `/trailers` | a body, then the trailer `x-checksum` |
//! | `/hold` | no answer until [`H2Upstream::release`]; counted in [`H2Upstream::cancelled`] when the stream is reset before |
//! | `/early` | 200 at once; the request's body is held and never read |
//! | `/status/CODE` | that status |

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{Checksum, pattern};

const WAIT_LIMIT: Duration = Duration::from_secs(10);

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// An HTTP/2 server on a free port of 127.0.0.1. It ends when this is dropped.
#[derive(Debug)]
pub struct H2Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// A request whose head arrived.
#[derive(Clone, Debug)]
pub struct H2Seen {
    /// The number of the connection it came on; the first one is 1.
    pub connection: usize,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// All fields, in order.
    pub headers: Vec<(String, String)>,
}

impl H2Seen {
    /// The values of all fields with this name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<()>,
    /// Seen by the requests that are there when it changes.
    released: watch::Sender<()>,
    /// Tells every connection to send GOAWAY and finish.
    leave: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<H2Seen>,
    opened: usize,
    open: usize,
    cancelled: usize,
    most_at_once: usize,
}

impl H2Upstream {
    /// Starts one that allows so many streams on each connection.
    pub async fn start(max_streams: u32) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changes: watch::Sender::new(()),
            released: watch::Sender::new(()),
            leave: watch::Sender::new(()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared), max_streams)).abort_handle();
        Self { address, shared, task }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    #[must_use]
    pub fn seen(&self) -> Vec<H2Seen> {
        self.shared.lock().seen.clone()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.shared.lock().opened
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.lock().open
    }

    /// Requests on hold whose stream was reset.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.lock().cancelled
    }

    /// The most requests that one connection ever carried at once.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.shared.lock().most_at_once
    }

    /// Answers all requests that are on hold.
    pub fn release(&self) {
        self.shared.released.send_replace(());
    }

    /// Sends GOAWAY on every connection; what is on it is still answered.
    pub fn leave(&self) {
        self.shared.leave.send_replace(());
    }

    /// Waits until `holds`; panics after 10 s, naming `what`.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        let waiting = async {
            while !holds(self) {
                changes.changed().await.expect("the sender lives as long as the upstream");
            }
        };
        if timeout(WAIT_LIMIT, waiting).await.is_err() {
            panic!("waited {WAIT_LIMIT:?} in vain for {what}; the upstream saw: {:?}", self.shared.lock());
        }
    }
}

impl Drop for H2Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changes.send_replace(());
        changed
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, max_streams: u32) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _set = stream.set_nodelay(true);
        connections.spawn(serve(stream, Arc::clone(&shared), max_streams));
        while connections.try_join_next().is_some() {}
    }
}

/// Counts down when it is dropped.
struct Counted<F: FnMut()>(F);

impl<F: FnMut()> Drop for Counted<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, max_streams: u32) {
    let number = shared.change(|state| {
        (state.opened, state.open) = (state.opened + 1, state.open + 1);
        state.opened
    });
    let _open = Counted(|| shared.change(|state| state.open -= 1));
    let at_once = AtomicUsize::new(0);
    let at_once = &Arc::new(at_once);
    let mut leave = shared.leave.subscribe();
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, at_once) = (Arc::clone(&shared), Arc::clone(at_once));
        async move {
            // Before the test can see the request.
            let mut released = shared.released.subscribe();
            let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
            let _at_once = Counted(|| {
                at_once.fetch_sub(1, Ordering::SeqCst);
            });
            let seen = H2Seen {
                connection: number,
                method: request.method().to_string(),
                path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
                authority: request.uri().authority().map(ToString::to_string).unwrap_or_default(),
                headers: pairs(request.headers()),
            };
            shared.change(|state| {
                state.seen.push(seen.clone());
                state.most_at_once = state.most_at_once.max(now);
            });
            Ok::<_, Infallible>(answer(request, &seen, &shared, &mut released).await)
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(max_streams);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            // How a connection ended shows at the other side.
            _ended = &mut connection => return,
            Ok(()) = leave.changed() => connection.as_mut().graceful_shutdown(),
        }
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn whole(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync())
}

fn json_answer(value: &Value) -> Response<Body> {
    let mut answer = whole(value.to_string());
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    answer
}

async fn answer(
    request: Request<Incoming>,
    seen: &H2Seen,
    shared: &Arc<Shared>,
    released: &mut watch::Receiver<()>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let mut segments = path.trim_start_matches('/').split('/');
    let (first, number) = (segments.next().unwrap_or_default(), segments.next().and_then(|text| text.parse().ok()));
    let body = request.into_body();
    match (first, number) {
        ("bytes", Some(length)) => whole(pattern(length)),
        ("status", Some(status)) => {
            let mut answer = whole("");
            *answer.status_mut() =
                u16::try_from(status).ok().and_then(|status| status.try_into().ok()).expect("a status");
            answer
        }
        ("mirror", _) => Response::new(body.boxed_unsync()),
        ("upload", _) => upload(body).await,
        ("trailers", _) => with_trailers(),
        ("hold", _) => {
            let over = AtomicBool::new(false);
            let held = Counted(|| {
                if !over.load(Ordering::SeqCst) {
                    shared.change(|state| state.cancelled += 1);
                }
            });
            released.changed().await.expect("the sender lives as long as the upstream");
            over.store(true, Ordering::SeqCst);
            drop(held);
            whole("released")
        }
        ("early", _) => {
            // Held until the release, and never read.
            let mut released = released.clone();
            tokio::spawn(async move {
                let _released = released.changed().await;
                drop(body);
            });
            whole("early")
        }
        _ => echo(body, seen).await,
    }
}

async fn echo(body: Incoming, seen: &H2Seen) -> Response<Body> {
    let Ok(body) = body.collect().await else { return whole("the body broke off") };
    let trailers = body.trailers().map(pairs).unwrap_or_default();
    json_answer(&json!({
        "method": seen.method,
        "path": seen.path,
        "authority": seen.authority,
        "headers": seen.headers,
        "body": String::from_utf8_lossy(&body.to_bytes()),
        "trailers": trailers,
    }))
}

async fn upload(mut body: Incoming) -> Response<Body> {
    let (mut received, mut sum) = (0, Checksum::default());
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(part) = frame.data_ref() {
            received += part.len();
            sum.add(part);
        }
    }
    json_answer(&json!({ "received": received, "sum": sum.to_string() }))
}

fn with_trailers() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let frames = [Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let mut answer = Response::new(body);
    answer.headers_mut().insert("trailer", HeaderValue::from_static("x-checksum"));
    answer
}
