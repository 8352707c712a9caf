//! Clients that read slowly, or not at all.

use std::time::Duration;

use seawall_testkit::{StartedApp, in_front};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

const LENGTH: usize = 8_000_000;
const LIMIT: Duration = Duration::from_secs(20);

/// Asks for a large answer with little room for it.
async fn ask(app: &StartedApp) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(app.public()).await.unwrap();
    let head = format!("GET /bytes/{LENGTH} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.public());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The watchdog looks every eight seconds. A slow client makes no room in megabytes of send buffer from one look to the next, but its
/// system takes over some kilobytes.
#[tokio::test(flavor = "multi_thread")]
async fn rg_4_a_slow_reader_is_served_and_one_that_takes_nothing_is_cut() {
    const LOOKS: Duration = Duration::from_secs(27);
    let (_upstream, app) = in_front("[server]\nsend_timeout = \"8s\"\nheader_timeout = \"8s\"\n").await;
    let (mut slow, mut none) = (ask(&app).await, ask(&app).await);
    let begun = Instant::now();
    let mut taken = Vec::new();
    while begun.elapsed() < LOOKS {
        sleep(Duration::from_secs(1)).await;
        let mut bytes = [0; 1_024];
        slow.read_exact(&mut bytes).await.unwrap_or_else(|error| panic!("cut after {:?}: {error}", begun.elapsed()));
        taken.extend_from_slice(&bytes);
    }
    app.until_metric("seawall_connections_expired", &["slow_reader"], 1.0).await;
    timeout(LIMIT, slow.read_to_end(&mut taken)).await.expect("the rest comes").unwrap();
    assert!(taken.len() > LENGTH, "{} bytes with the head", taken.len());
    let mut little = Vec::new();
    // Whether the rest of what is in between still comes is the system's.
    let _reset = timeout(LIMIT, none.read_to_end(&mut little)).await.expect("it has ended");
    assert!(little.len() < LENGTH, "the whole answer came");
    assert_eq!(app.metric("seawall_connections_expired", &["slow_reader"]), 1.0);
}

/// The application is never late, and is not asked for the time.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_pauses_ends_with_the_time_for_all_of_it() {
    let (_upstream, app) = in_front("[deadline]\ntotal = \"1s\"\n").await;
    let mut slow = ask(&app).await;
    sleep(Duration::from_millis(1_500)).await;
    let mut taken = Vec::new();
    let _cut = timeout(LIMIT, slow.read_to_end(&mut taken)).await.expect("it has ended");
    assert!((1..LENGTH).contains(&taken.len()), "{} bytes came", taken.len());
    let line = app.request_line(&format!("/bytes/{LENGTH}")).await;
    assert_eq!(line["error"], "the whole exchange took as long as it may", "{line}");
}
