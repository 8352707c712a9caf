//! A socket ends with what it was opened with: its session, its principal, its credential's time (checklist PL-1, RG-19).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails loudly")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::NoMeter,
    principal::{Listener, Principal, Revocations, Revoked, SessionFacts},
    settings::{Raw, Values},
};
use seawall_guards::{
    Context, Guard, Head, Policy, Step, Verdict,
    problem::Pages,
    rate_limit::MemoryRates,
    strict_http,
    websocket::{self, WebsocketGuard},
};
use seawall_proxy::{
    Builtins, Plane, PlaneParts, Route, Router, SERVER_SECTION, ServerSettings, Site, Target, UPSTREAM_SECTION,
    Upstream, UpstreamSettings,
};
use seawall_telemetry::trace::Spans;
use tokio::time::Instant;

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Now {
        let us = self.0.load(Ordering::Relaxed);
        Now { monotonic_us: us, unix_us: us }
    }
}

/// Revocations by hand.
#[derive(Default)]
struct ByHand(Mutex<Vec<Listener>>);

impl std::fmt::Debug for ByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByHand")
    }
}

impl Revocations for ByHand {
    fn listen(&self, listener: Listener) {
        self.0.lock().unwrap().push(listener);
    }
}

impl ByHand {
    fn revoke(&self, revoked: &Revoked) {
        for listener in self.0.lock().unwrap().iter() {
            listener(revoked);
        }
    }
}

/// Believes whatever the request says of its principal: `id session expiry`.
#[derive(Debug)]
struct Believes;

impl Guard for Believes {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let words: Vec<_> = head.headers["x-principal"].to_str().unwrap().split(' ').collect();
        let facts = SessionFacts {
            id: words[1].into(),
            authenticated_at_unix_us: 0,
            expires_at_unix_us: words.get(2).map(|expiry| expiry.parse().unwrap()),
            second_factor: false,
        };
        context.principal = Principal::user(words[0], words[0], &[], facts).map(Arc::new);
        Verdict::Pass
    }
}

/// An application that accepts every WebSocket, the one at `/late` when it is told to, and then listens until it hears no more.
fn application(late: Arc<Barrier>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let late = Arc::clone(&late);
            thread::spawn(move || listen(stream, &late));
        }
    });
    address
}

fn listen(mut stream: TcpStream, late: &Barrier) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        seen.push(byte[0]);
    }
    if seen.starts_with(b"GET /late") {
        // Asked, and then told to answer.
        late.wait();
        late.wait();
    }
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
    let _gone = stream.write_all(answer.as_bytes());
    let _gone = stream.read_to_end(&mut seen);
}

fn open(address: SocketAddr, principal: &str) -> TcpStream {
    let mut stream = ask(address, "/ws", principal);
    opened(&mut stream);
    stream
}

fn ask(address: SocketAddr, path: &str, principal: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Principal: {principal}\r\n\r\n"
    )
    .unwrap();
    stream
}

fn opened(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
}

/// The close frame's code, and how long it took to come.
fn closed(stream: &mut TcpStream, since: Instant) -> (u16, Duration) {
    let mut frame = [0; 4];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[..2], [0x88, 2], "a close frame");
    (u16::from_be_bytes([frame[2], frame[3]]), since.elapsed())
}

fn stays_open(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(stream.read(&mut [0]).is_err(), "nothing is said");
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
}

fn plane(clock: Arc<Hands>, late: Arc<Barrier>) -> (Plane, SocketAddr) {
    let rules = WebsocketGuard::read(&websocket::values(), Mode::Enforce, "*", MemoryRates::new(8, &NoMeter)).unwrap();
    let steps = vec![
        Step::new(&strict_http::ENTRY, Arc::new(Believes), Mode::Enforce, "*", &NoMeter),
        Step::new(&websocket::ENTRY, Arc::new(rules), Mode::Enforce, "*", &NoMeter),
    ];
    let route = Route { policy: Policy::new("*".into(), steps, 1).unwrap(), target: Target::Upstream };
    let (builtins, _nobody) = Builtins::new(1);
    let site =
        Site { router: Router::new(route, Vec::new()), pages: Arc::new(Pages::new("/_seawall", false)), builtins };
    let listener = Plane::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let values = Values::defaults(&UPSTREAM_SECTION).with("url", Raw::Text(format!("http://{}", application(late))));
    let upstream =
        Upstream::new(&UpstreamSettings::read(&values).unwrap(), 1, Arc::clone(&clock) as _, Arc::new(NoMeter))
            .unwrap();
    let parts = PlaneParts {
        listener,
        sites: vec![site],
        settings: ServerSettings::read(&Values::defaults(&SERVER_SECTION)).unwrap(),
        tls: None,
        upstream,
        clock,
        meter: Arc::new(NoMeter),
        log: None,
        spans: Spans::none(),
        seed: 1,
    };
    (Plane::start(parts).unwrap(), address)
}

#[tokio::test]
async fn rg_19_sockets_close_within_a_second_when_their_session_ends_and_others_stay() {
    let (mut plane, address) = plane(Arc::default(), Arc::new(Barrier::new(2)));
    let revocations = ByHand::default();
    plane.follow(&revocations);
    let checked = tokio::task::spawn_blocking(move || {
        let (mut first, mut second, mut other) =
            (open(address, "ann 1"), open(address, "ann 2"), open(address, "bob 3"));
        let began = Instant::now();
        revocations.revoke(&Revoked::Session("1".into()));
        let (code, took) = closed(&mut first, began);
        assert!(code == 1_008 && took < Duration::from_secs(1), "{code} after {took:?}");
        stays_open(&mut second);
        let began = Instant::now();
        revocations.revoke(&Revoked::Principal("ann".into()));
        let (code, took) = closed(&mut second, began);
        assert!(code == 1_008 && took < Duration::from_secs(1), "{code} after {took:?}");
        stays_open(&mut other);
        // More at once than there is room for: nobody is forgotten.
        for number in 0..5_000 {
            revocations.revoke(&Revoked::Session(number.to_string().into()));
        }
        assert_eq!(closed(&mut other, Instant::now()).0, 1_008);
    });
    checked.await.unwrap();
    plane.force().await;
    plane.ended().await.unwrap();
}

#[tokio::test]
async fn rg_19_a_session_that_ends_while_the_application_is_still_asked_has_no_socket() {
    let (clock, late) = (Arc::new(Hands::default()), Arc::new(Barrier::new(2)));
    let (mut plane, address) = plane(Arc::clone(&clock), Arc::clone(&late));
    let revocations = ByHand::default();
    plane.follow(&revocations);
    let checked = tokio::task::spawn_blocking(move || {
        for (principal, stays) in [("ann 1", false), ("bob 2", true)] {
            clock.0.fetch_add(1_000_000, Ordering::Relaxed);
            let mut socket = ask(address, "/late", principal);
            late.wait();
            revocations.revoke(&Revoked::Session("1".into()));
            // Heard of, once this one is told too.
            let mut other = open(address, "eve 3");
            revocations.revoke(&Revoked::Session("3".into()));
            assert_eq!(closed(&mut other, Instant::now()).0, 1_008);
            late.wait();
            opened(&mut socket);
            if stays {
                stays_open(&mut socket);
            } else {
                assert_eq!(closed(&mut socket, Instant::now()).0, 1_008);
            }
        }
    });
    checked.await.unwrap();
    plane.force().await;
    plane.ended().await.unwrap();
}

#[tokio::test]
async fn pl_1_a_socket_ends_when_its_credential_expires() {
    let clock = Arc::new(Hands::default());
    let (mut plane, address) = plane(Arc::clone(&clock), Arc::new(Barrier::new(2)));
    let checked = tokio::task::spawn_blocking(move || {
        let (mut short, mut long) = (open(address, "ann 1 60000000"), open(address, "ann 2 7200000000"));
        stays_open(&mut short);
        clock.0.store(60_000_000, Ordering::Relaxed);
        let (code, took) = closed(&mut short, Instant::now());
        assert!(code == 1_008 && took < Duration::from_secs(1), "{code} after {took:?}");
        stays_open(&mut long);
    });
    checked.await.unwrap();
    plane.force().await;
    plane.ended().await.unwrap();
}
