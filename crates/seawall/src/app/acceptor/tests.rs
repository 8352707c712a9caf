//! How long connections may do nothing, how many there may be, and how they end.

use axum::{Router, routing::get};
use hyper_util::service::TowerToHyperService;
use seawall_telemetry::Registry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};

use super::*;

const LIMIT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(10);
const SHORT: Limits = Limits { connections: 3, first_byte: LIMIT, head: LIMIT, idle: LIMIT, send: LIMIT };

/// What a stream holds that was not read.
const ROOM: usize = 4 * 1024;
const LARGE: usize = 16 * ROOM;

/// A listener whose connections come from the test.
struct Door(mpsc::Receiver<DuplexStream>);

impl Listener for Door {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Scene {
    door: mpsc::Sender<DuplexStream>,
    registry: Registry,
    phase: watch::Sender<Phase>,
    /// Lets one request for `/held` be answered.
    answer: Arc<Notify>,
}

impl Scene {
    fn new() -> Self {
        let (registry, answer) = (Registry::new(1), Arc::new(Notify::new()));
        let acceptor = Acceptor::new("test", SHORT, "/problems/", &registry);
        let held = Arc::clone(&answer);
        let held = move || {
            let held = Arc::clone(&held);
            async move {
                held.notified().await;
                "held"
            }
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/held", get(held))
            .route("/large", get(|| async { vec![b'x'; LARGE] }));
        let (door, streams) = mpsc::channel(8);
        let (phase, phases) = watch::channel(Phase::Serving);
        let service = TowerToHyperService::new(router);
        tokio::spawn(async move { acceptor.accept(Door(streams), service, &phases).await });
        Self { door, registry, phase, answer }
    }

    async fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(ROOM);
        self.door.send(theirs).await.unwrap();
        ours
    }

    /// Connects and asks.
    async fn ask(&self, path: &str) -> DuplexStream {
        let mut stream = self.connect().await;
        write(&mut stream, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        stream
    }

    fn closed(&self, reason: &str) -> f64 {
        self.registry.value(CLOSED.name, &["test", reason]).unwrap_or_default()
    }
}

async fn write(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Reads until the stream ends, or what was read ends so.
async fn read(stream: &mut DuplexStream, end: Option<&str>) -> String {
    let mut text = Vec::new();
    let reading = async {
        while !end.is_some_and(|end| text.ends_with(end.as_bytes())) {
            if stream.read_buf(&mut text).await.unwrap() == 0 {
                return end.is_none();
            }
        }
        true
    };
    let came = timeout(LONG, reading).await;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(came, Ok(true), "{text}");
    text
}

#[tokio::test]
async fn rg_4_what_does_not_come_in_time_ends_its_connection() {
    let scene = Scene::new();
    for (bytes, answers, reason) in [
        ("", 0, "silent"),
        ("G", 0, "slow_head"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", 0, "slow_head"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "idle"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /", 1, "slow_head"),
    ] {
        let before = scene.closed(reason);
        let begun = tokio::time::Instant::now();
        let mut stream = scene.connect().await;
        // The last one's second head begins when the first is answered.
        let (first, second) = bytes.split_once("\r\n\r\n").map_or((bytes, ""), |(head, rest)| (head, rest));
        write(&mut stream, first).await;
        if answers > 0 {
            write(&mut stream, "\r\n\r\n").await;
            read(&mut stream, Some("here")).await;
            write(&mut stream, second).await;
        }
        assert_eq!(read(&mut stream, None).await, "", "{bytes:?}");
        assert!(begun.elapsed() >= LIMIT, "{bytes:?} ended after {:?}", begun.elapsed());
        assert_eq!(scene.closed(reason), before + 1.0, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_head_byte_by_byte_does_not_put_its_limit_off() {
    let scene = Scene::new();
    let mut stream = scene.connect().await;
    let written = timeout(LONG, async {
        while stream.write_all(b"X").await.is_ok() {
            sleep(LIMIT / 10).await;
        }
    });
    written.await.expect("bytes that keep coming keep the connection");
    assert_eq!(scene.closed("slow_head"), 1.0);
}

#[tokio::test]
async fn an_answer_may_take_longer_than_any_limit() {
    let scene = Scene::new();
    let mut stream = scene.ask("/held").await;
    sleep(LIMIT * 3).await;
    scene.answer.notify_one();
    assert!(read(&mut stream, Some("held")).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_and_who_takes_little_is_not() {
    let scene = Scene::new();
    let mut none = scene.ask("/large").await;
    let mut little = scene.ask("/large").await;
    let mut taken = 0;
    while taken < LARGE {
        sleep(LIMIT / 8).await;
        let count = timeout(LONG, little.read(&mut [0; ROOM])).await.unwrap().unwrap();
        assert!(count > 0, "cut after {taken} bytes");
        taken += count;
    }
    assert_eq!(scene.closed("slow_reader"), 1.0);
    assert!(read(&mut none, None).await.len() < LARGE);
}

#[tokio::test]
async fn whoever_finds_no_place_is_told_and_places_come_back() {
    let scene = Scene::new();
    let mut held = Vec::new();
    for _ in 0..SHORT.connections {
        held.push(scene.ask("/held").await);
    }
    let mut refused = scene.ask("/").await;
    let told = read(&mut refused, None).await;
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nRetry-After: 1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{told}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["type"], "/problems/too-many-connections");
    assert_eq!((scene.closed("full"), &problem["status"]), (1.0, &503.into()));
    scene.answer.notify_one();
    let mut first = held.remove(0);
    read(&mut first, Some("held")).await;
    drop(first);
    // A place is free a moment after its client has left.
    let place = async { while !read(&mut scene.ask("/").await, None).await.contains("200 OK") {} };
    timeout(LONG, place).await.expect("a place comes back");
}

#[tokio::test]
async fn once_another_process_serves_connections_end_with_the_answer_due() {
    let scene = Scene::new();
    let mut idle = scene.ask("/").await;
    read(&mut idle, Some("here")).await;
    let mut asked = scene.ask("/held").await;
    let mut begun = scene.connect().await;
    write(&mut begun, "GET / HT").await;
    scene.phase.send_replace(Phase::Resting);
    assert_eq!(read(&mut idle, None).await, "");
    scene.answer.notify_one();
    let answer = read(&mut asked, None).await;
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("held"), "{answer}");
    write(&mut begun, "TP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(read(&mut begun, None).await.ends_with("here"));
    assert_eq!(scene.closed("idle") + scene.closed("slow_head") + scene.closed("silent"), 0.0);
}
