//! The corpus of requests, sent raw through Seawall to servers that each read HTTP in their own way: none may see more
//! requests than the bytes honestly hold, and none a request that was refused.
//!
//! Each case has a client address of its own, which Seawall tells the server. So all cases can be sent at once, over shared
//! connections to the server, and a request that Seawall never saw is known by having no address.

mod servers;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use seawall_testkit::TestApp;
use servers::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

use crate::{
    applications::tools::{program, skip},
    corpus::cases::{Case, Must, cases},
};

/// Cases at once.
const AT_ONCE: usize = 32;

/// How long a connection may be silent before all answers are believed to have come.
const SILENCE: Duration = Duration::from_millis(400);

/// What no test outlasts.
const LONGEST: Duration = Duration::from_secs(60);

/// Cases that are right and need not be seen: a body that is refused for its size, and a target that nginx does not know.
const MAY_BE_UNSEEN: [&str; 2] = ["length_wraps_in_32_bits", "asterisk"];

/// Requests that would pass twice when Seawall sends them again say nothing of how they were read.
const ONCE: &str = "[retry]\nattempts = 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn python_sees_no_more_requests_than_there_are() {
    match program(&["python3"]) {
        Some(python) => check(Server::python(&python)).await,
        None => skip("python3 is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_sees_no_more_requests_than_there_are() {
    match program(&["node"]) {
        Some(node) => check(Server::node(&node)).await,
        None => skip("Node.js is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_sees_no_more_requests_than_there_are() {
    match servers::installed("nginx") {
        Some(nginx) => check(Server::nginx(&nginx).await).await,
        None => skip("nginx is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_sees_no_more_requests_than_there_are() {
    match servers::installed("apache2") {
        Some(apache) => check(Server::apache(&apache).await).await,
        None => skip("apache2 is not installed"),
    }
}

async fn check(server: Server) {
    let app = TestApp::in_front_of(server.url()).with_config(ONCE).start().await;
    let cases = cases();
    timeout(LONGEST, send_all(&cases, app.public())).await.expect("all cases are sent in time");
    // The last request of all, so that what was seen before it has been written down.
    app.client().get("/the-end").await;
    let seen = server.seen_until("/the-end").await;

    let mut by_client = BTreeMap::<&str, Vec<&str>>::new();
    for line in &seen {
        let (client, request) = line.split_once(' ').unwrap_or((line, ""));
        by_client.entry(client).or_default().push(request);
    }
    let mut wrong = Vec::new();
    let mut reached = 0;
    for (number, case) in cases.iter().enumerate() {
        let seen = by_client.remove(address(number).to_string().as_str()).unwrap_or_default();
        let count = u64::try_from(seen.len()).expect("a count");
        reached += usize::from(count > 0);
        if count > case.most {
            wrong.push(format!("{}: at most {}, seen {seen:?}", case.name, case.most));
        }
        if case.must == Must::Pass && case.most > 0 && count == 0 && !MAY_BE_UNSEEN.contains(&case.name) {
            wrong.push(format!("{}: passes, and was not seen", case.name));
        }
    }
    by_client.remove("127.0.0.1");
    assert!(by_client.is_empty(), "requests that Seawall never saw: {by_client:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(reached >= 50, "{reached} cases reached the server");
}

/// The address that a case is sent from.
fn address(number: usize) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

async fn send_all(cases: &[Case], server: SocketAddr) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut sending = JoinSet::new();
    for (number, case) in cases.iter().enumerate() {
        let (places, bytes) = (Arc::clone(&places), case.bytes.clone());
        sending.spawn(async move {
            let _place = places.acquire_owned().await;
            send(address(number), server, &bytes).await;
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent.expect("a case is sent");
    }
}

/// Sends bytes and reads until the connection is closed or silent.
async fn send(from: Ipv4Addr, to: SocketAddr, bytes: &[u8]) {
    let mut stream = connect(from, to).await;
    // A refusal may come, and the end, before all is written.
    let _written = timeout(SILENCE, stream.write_all(bytes)).await;
    let mut answers = [0; 4_096];
    while matches!(timeout(SILENCE, stream.read(&mut answers)).await, Ok(Ok(1..))) {}
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("every address of the loopback network is ours");
    timeout(LONGEST, socket.connect(to)).await.expect("a connection in time").expect("a connection")
}
