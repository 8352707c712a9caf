//! Applications that close, stall, flood and answer out of turn.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_testkit::{
    TestApp,
    client::Request,
    upstream::{Kind, Upstream},
};
use tokio::time::Instant;

use super::scripted::Scripted;

/// How many clients ask at once, and how often each.
const CLIENTS: usize = 64;
const REQUESTS: usize = 40;

const UNLIMITED: &str = "[rate_limit]\nmode = \"off\"\n[load_shed]\nmode = \"off\"\n";

/// An application that closes after some requests, as workers that are recycled do, without a word and sometimes just as the
/// next request arrives: a GET never notices, a POST is never carried out twice.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_close_at_random_cost_no_get_and_repeat_no_post() {
    let carried: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let seen = Arc::clone(&carried);
    let opened = Arc::new(AtomicU64::new(0));
    let upstream = Scripted::start(move |mut peer| {
        let seen = Arc::clone(&seen);
        let number = opened.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        async move {
            for _ in 0..=number % 7 {
                let Some(head) = peer.head().await else { return };
                let target = head.split(' ').nth(1).unwrap().to_owned();
                if head.starts_with("POST") {
                    peer.until(b"!").await;
                }
                *seen.lock().unwrap().entry(target).or_default() += 1;
                if !peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await {
                    return;
                }
            }
            if number.is_multiple_of(2) {
                // Takes the next request's head, and is gone.
                peer.head().await;
            }
        }
    })
    .await;
    let app = TestApp::in_front_of(upstream.url()).with_config(UNLIMITED).start().await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let kept = app.client().keeping_connection();
            tokio::spawn(async move {
                let mut lost = 0;
                for number in 0..REQUESTS {
                    let target = format!("/{client}/{number}");
                    if number % 4 == 0 {
                        let answer = kept.request(Request::post(target).body("post!")).await;
                        lost += usize::from(answer.status == 502);
                        assert!(matches!(answer.status, 200 | 502), "{answer:?}");
                    } else {
                        kept.get(&target).await.expect_status(200);
                    }
                }
                lost
            })
        })
        .collect();
    let mut lost = 0;
    for client in clients {
        lost += client.await.unwrap();
    }
    let carried = carried.lock().unwrap();
    let twice: Vec<_> = carried.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "carried out more than once: {twice:?}");
    assert!(carried.len() + lost >= CLIENTS * REQUESTS, "{} carried out, {lost} lost", carried.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers_is_left_alone_after_five_requests() {
    let (hangs, serves) = (Upstream::start(Kind::NeverReads).await, Upstream::start(Kind::ByPath).await);
    let config = "[deadline]\nresponse_head = \"100ms\"\n";
    let app = TestApp::in_front_of_servers([hangs.url(), serves.url()]).with_config(config).start().await;
    let mut late = 0;
    for _ in 0..40 {
        let answer = app.client().get("/echo").await;
        late += usize::from(answer.status == 504);
        assert!(matches!(answer.status, 200 | 504), "{answer:?}");
    }
    assert_eq!(late, 5);
    app.until_metric("seawall_upstream_breaker_state", &[&hangs.url()], 2.0).await;
}

/// 413 before the body was read, and then the end of the connection: the client reads the answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_body_was_read_arrives() {
    let upstream = Scripted::start(async |mut peer| {
        if peer.head().await.is_some() {
            peer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch").await;
            peer.linger().await;
        }
    })
    .await;
    let app = TestApp::in_front_of(upstream.url()).start().await;
    for length in [10, 100_000, 5_000_000] {
        let answer = app.client().request(Request::post("/").body(vec![b'x'; length])).await;
        assert_eq!((answer.status, answer.text().as_str()), (413, "much"), "{length}");
    }
}

/// Informational answers without end, at full speed: so many are no answer any more. A head byte by byte ends at the limit.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_becomes_an_answer_ends() {
    let floods = Scripted::start(async |mut peer| {
        peer.head().await;
        while peer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await {}
    })
    .await;
    let dawdles = Scripted::start(async |mut peer| {
        peer.head().await;
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x')) {
            if !peer.write(&[*byte]).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    for (upstream, status, slug) in [(floods, 502, "bad-gateway"), (dawdles, 504, "upstream-timeout")] {
        let config = "[deadline]\nresponse_head = \"300ms\"\n";
        let app = TestApp::in_front_of(upstream.url()).with_config(config).start().await;
        let began = Instant::now();
        app.client().get("/").await.expect_problem(status, slug);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        app.until_metric("http_server_active_requests", &[], 0.0).await;
    }
}
