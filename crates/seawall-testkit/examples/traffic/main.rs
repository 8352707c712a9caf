//! Traffic as a day brings it, for a build that is tuned by what its code does: `cargo xtask release` runs an instrumented Seawall
//! under it. Requests of programs and of browsers, with and without bodies, kept and new connections, HTTP/1.1 and HTTP/2, in clear
//! and over TLS, sockets, preflights and refusals; people who signed in, and calls of language models.
//!
//! Arguments: the program, and the seconds that each of its four runs lasts; or `rest`, and it is started, left alone and ended, by another
//! program when its words follow.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool of its developers measures real time, prints what it did, and fails loudly"
)]

mod calls;
mod people;
mod running;

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use running::Running;
use seawall_testkit::{
    client::{Client, H2Client, Request, websocket},
    llm::FakeLlm,
    tls::Authority,
    upstream::{Kind, Upstream},
};
use serde_json::json;
use tokio::task::JoinSet;

/// What a browser sends beside what is asked.
const BROWSER: [(&str, &str); 9] = [
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("cookie", "session=9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c; theme=dark"),
    ("referer", "http://127.0.0.1/records?page=2"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
];

/// Who asks, and how often at once: what is asked most weighs most.
const KEPT: usize = 24;
const BROWSERS: usize = 16;
const SENDERS: usize = 8;
const SHORT: usize = 4;
const STREAMS: usize = 4;
const SOCKETS: usize = 2;

/// What most have in their files, so that what reads it counts as what runs at rest.
const ORDINARY: &str = r#"
# A comment.
environment = "development"

[rate_limit]
limits = ["100/min per ip", "1000/h per ip"]

[cors]
origins = ["https://app.example.com"]

[route."/api/*"]
rate_limit = { limits = ["20/s per ip"] }
deadline = { total = "10s" }
"#;

/// How long it is left alone: what it does every few seconds happens once, and threads that wait for work end.
const REST: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the program to run");
    let length = arguments.next().unwrap_or_else(|| "10".to_owned());
    let upstream = Upstream::start(Kind::ByPath).await;
    if length == "rest" {
        let mut words = arguments.chain([program]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words);
        let resting = Running::start(command, &upstream.url(), ORDINARY, |_| {});
        tokio::time::sleep(REST).await;
        return resting.end();
    }
    let length = Duration::from_secs(length.parse().expect("a number of seconds"));

    let limits = "[rate_limit]\nlimits = [\"1000000000/min per ip\"]\n";
    let clear = Running::start(Command::new(&program), &upstream.url(), limits, |_| {});
    println!("in clear: {} requests", in_clear(clear.address, length).await);
    clear.end();

    let authority = Authority::new();
    let files = "[tls.main]\ncertificate = \"main.pem\"\nkey = \"main.key\"\n";
    let encrypted =
        Running::start(Command::new(&program), &upstream.url(), &format!("{limits}\n{files}"), |directory| {
            authority.issue(&["example.com"]).write(directory, "main");
        });
    println!("over TLS: {} requests", over_tls(encrypted.address, &authority, length).await);
    encrypted.end();

    let known =
        Running::start(Command::new(&program), &upstream.url(), &format!("{limits}\n{}", people::CONFIG), |_| {});
    people::add(program.as_ref(), known.directory.path());
    println!("of people: {} requests", people::ask(known.address, length).await);
    known.end();

    let fake = FakeLlm::start().await;
    let calling = Running::start(Command::new(&program), &upstream.url(), &calls::config(&fake), |_| {});
    let outbound = calling.outbound.expect("it says where it takes calls");
    println!("of language models: {} calls", calls::make(outbound, length).await);
    calling.end();
}

async fn in_clear(address: SocketAddr, length: Duration) -> usize {
    let crowd = Crowd::new(length);
    let base = format!("http://{address}");
    let mut tasks = JoinSet::new();
    for _ in 0..KEPT {
        tasks.spawn(kept(crowd.clone(), Client::new(&base).keeping_connection()));
    }
    for _ in 0..BROWSERS {
        tasks.spawn(browser(crowd.clone(), as_browser(Client::new(&base).keeping_connection())));
    }
    for _ in 0..SENDERS {
        tasks.spawn(sender(crowd.clone(), Client::new(&base).keeping_connection()));
    }
    for _ in 0..SHORT {
        tasks.spawn(kept(crowd.clone(), Client::new(&base)));
    }
    for _ in 0..SOCKETS {
        tasks.spawn(socket(crowd.clone(), address));
    }
    for _ in 0..STREAMS {
        tasks.spawn(streams(crowd.clone(), address));
    }
    tasks.spawn(refused(crowd.clone(), Client::new(&base).keeping_connection()));
    tasks.join_all().await;
    crowd.asked()
}

async fn over_tls(address: SocketAddr, authority: &Authority, length: Duration) -> usize {
    let crowd = Crowd::new(length);
    let older = authority.clients().tunnel(address, "example.com").await;
    let newer = authority.clients().offering(&["h2", "http/1.1"]).tunnel(address, "example.com").await;
    let base = format!("http://{}", older.address());
    let mut tasks = JoinSet::new();
    for _ in 0..BROWSERS {
        tasks.spawn(browser(crowd.clone(), as_browser(Client::new(&base).keeping_connection())));
    }
    for _ in 0..SENDERS {
        tasks.spawn(sender(crowd.clone(), Client::new(&base).keeping_connection()));
    }
    // Each a handshake of its own.
    for _ in 0..SHORT {
        tasks.spawn(kept(crowd.clone(), Client::new(&base)));
    }
    for _ in 0..STREAMS {
        tasks.spawn(streams(crowd.clone(), newer.address()));
    }
    tasks.join_all().await;
    crowd.asked()
}

fn as_browser(client: Client) -> Client {
    BROWSER.iter().fold(client, |client, &(name, value)| client.with_header(name, value))
}

/// A program that reads small records.
async fn kept(crowd: Crowd, client: Client) {
    while crowd.goes_on() {
        client.get("/bytes/1024").await.expect_status(200);
    }
}

async fn browser(crowd: Crowd, client: Client) {
    let targets = ["/bytes/1024?content-type=application/json", "/echo", "/html", "/chunked/20000", "/status/304"];
    for target in targets.iter().cycle() {
        if !crowd.goes_on() {
            break;
        }
        let answer = client.get(target).await;
        assert!(answer.status < 400, "{target}: {answer:?}");
    }
}

/// A program that writes records, small ones and a larger one.
async fn sender(crowd: Crowd, client: Client) {
    let record = json!({ "name": "Ada", "tags": ["a", "b"], "count": 3, "text": "x".repeat(400) });
    while crowd.goes_on() {
        client.post_json("/echo", &record).await.expect_status(200);
        client.request(Request::post("/upload").chunked([[b'x'; 4_096]; 4])).await.expect_status(200);
    }
}

/// What the guards turn away, and what they answer themselves.
async fn refused(crowd: Crowd, client: Client) {
    while crowd.goes_on() {
        let preflight = Request::new("OPTIONS", "/echo")
            .header("origin", "https://elsewhere.example")
            .header("access-control-request-method", "PUT");
        client.request(preflight).await;
        client.get("/status/500").await;
        client.get("/status/404").await;
        client.get("/a/%2e%2e/%00").await;
    }
}

async fn socket(crowd: Crowd, address: SocketAddr) {
    let mut socket = websocket(address, "/ws", &[]).await;
    while crowd.goes_on() {
        socket.send_text("{\"type\":\"tick\",\"value\":17}").await;
        socket.receive_text().await;
    }
    socket.close(1000, "").await;
    socket.expect_close().await;
}

async fn streams(crowd: Crowd, address: SocketAddr) {
    let client = H2Client::connect(address).await;
    while crowd.goes_on() {
        let (first, second) = tokio::join!(client.get("/bytes/1024"), client.get("/echo"));
        assert!(first.status() == 200 && second.status() == 200, "{first:?} {second:?}");
    }
}

/// All who ask, until their time is over.
#[derive(Clone)]
struct Crowd {
    until: Instant,
    asked: Arc<AtomicUsize>,
}

impl Crowd {
    fn new(length: Duration) -> Self {
        Self { until: Instant::now() + length, asked: Arc::default() }
    }

    fn goes_on(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Instant::now() < self.until
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}
