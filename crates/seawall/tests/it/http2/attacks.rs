//! Attacks on HTTP/2, each by its name: the connection that attacks is ended within its budget or costs little, others are served
//! meanwhile, and nothing is left behind.

use std::time::Duration;

use seawall_testkit::{
    StartedApp,
    client::{H2Client, H2Frame, H2RawClient, hpack},
    in_front,
    upstream::Upstream,
};
use tokio::time::Instant;

use crate::memory::resident;

/// `ENHANCE_YOUR_CALM`, `REFUSED_STREAM` and others (RFC 9113 section 7).
const CALM: Option<u32> = Some(0xb);
const REFUSED_STREAM: Option<u32> = Some(0x7);
const FLOW_CONTROL_ERROR: Option<u32> = Some(0x3);
const FRAME_SIZE_ERROR: Option<u32> = Some(0x6);

/// `SETTINGS_INITIAL_WINDOW_SIZE`.
const WINDOW: u16 = 4;

const UNLIMITED: &str = "[rate_limit]\nlimits = []\n";
const MEBIBYTE: u64 = 1024 * 1024;

/// A server under attack, and a client that does nothing wrong.
struct Scene {
    upstream: Upstream,
    app: StartedApp,
    honest: H2Client,
}

impl Scene {
    async fn new(config: &str) -> Self {
        let (upstream, app) = in_front(&format!("{UNLIMITED}{config}")).await;
        let honest = H2Client::connect(app.public()).await;
        assert_eq!(honest.get("/honest").await.status(), 200);
        Self { upstream, app, honest }
    }

    async fn attacker(&self, settings: &[(u16, u32)]) -> H2RawClient {
        H2RawClient::connect(self.app.public(), settings).await
    }

    /// An honest client is served on its connection and on a new one, without delay.
    async fn serves_others(&self) {
        let started = Instant::now();
        assert_eq!(self.honest.get("/honest").await.status(), 200);
        assert_eq!(H2Client::connect(self.app.public()).await.get("/honest").await.status(), 200);
        assert!(started.elapsed() < Duration::from_secs(3), "it took {:?}", started.elapsed());
    }

    /// Requests that the attack brought to the application.
    fn arrived(&self) -> usize {
        self.upstream.requests().iter().filter(|request| request.target != "/honest").count()
    }

    async fn until_arrived(&self, requests: usize) {
        assert!(self.arrive_within(requests, 2_000).await, "{} requests arrived, not {requests}", self.arrived());
    }

    async fn arrive_soon(&self, requests: usize) -> bool {
        self.arrive_within(requests, 100).await
    }

    async fn arrive_within(&self, requests: usize, looks: u32) -> bool {
        for _ in 0..looks {
            if self.arrived() >= requests {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    fn expired(&self, reason: &str) -> f64 {
        self.app.metric("seawall_connections_expired", &[reason])
    }

    /// Nothing is left: no request, no connection, here or to the application.
    async fn leaves_nothing(self) {
        self.app.until_metric("http_server_active_requests", &[], 0.0).await;
        assert_eq!(self.honest.get("/honest").await.status(), 200, "the honest client's connection was never touched");
        drop(self.honest);
        self.app.until_metric("seawall_connections", &[], 0.0).await;
        let kept = |upstream: &Upstream| upstream.open_connections() <= 64;
        self.upstream.until("connections to the application to be given up", kept).await;
    }
}

/// The number of the n-th stream.
fn nth(n: u32) -> u32 {
    2 * n + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn rapid_reset() {
    const STREAMS: u32 = 10_000;
    for path in ["/echo", "/never"] {
        let scene = Scene::new("").await;
        let mut attacker = scene.attacker(&[]).await;
        let attack = async {
            for piece in (0..STREAMS).collect::<Vec<_>>().chunks(10) {
                let pair = |n: &u32| [H2Frame::headers(nth(*n), hpack::get(path), true), H2Frame::reset(nth(*n), 8)];
                if !attacker.try_send(&piece.iter().flat_map(pair).collect::<Vec<_>>()).await {
                    break;
                }
            }
            attacker.ended().await
        };
        let (ending, ()) = tokio::join!(attack, scene.serves_others());
        assert!(ending.code.is_none_or(|code| code == 0xb), "{ending:?}");
        assert!(scene.arrived() <= 150, "{} of {STREAMS} requests of {path} arrived", scene.arrived());
        assert_eq!(scene.expired("abusive"), 1.0);
        scene.leaves_nothing().await;
    }
}

/// The budget to the stream: all streams at once may be given up, and not one more.
#[tokio::test(flavor = "multi_thread")]
async fn rapid_reset_at_leisure_ends_at_the_budget() {
    let scene = Scene::new("").await;
    let mut attacker = scene.attacker(&[]).await;
    let reset = async |attacker: &mut H2RawClient, n: u32| {
        attacker.get(nth(n), "/never").await;
        scene.until_arrived(n as usize + 1).await;
        attacker.try_send(&[H2Frame::reset(nth(n), 8)]).await;
    };
    for n in 0..100 {
        reset(&mut attacker, n).await;
    }
    // What was given up costs the application nothing any more.
    scene.upstream.until("all to be given up", |upstream| upstream.open_connections() <= 1).await;
    scene.app.until_metric("http_server_active_requests", &[], 0.0).await;
    attacker.get(nth(100), "/echo").await;
    assert_eq!(attacker.answer(nth(100)).await.status, Some(200), "this much any client may do");
    reset(&mut attacker, 101).await;
    let ending = attacker.ended().await;
    assert_eq!((ending.code, ending.debug.as_str()), (CALM, "too_many_resets"));
    assert_eq!(scene.expired("abusive"), 1.0);
    scene.leaves_nothing().await;
}

/// A client that leaves some of many requests is not one of them.
#[tokio::test(flavor = "multi_thread")]
async fn giving_up_fewer_than_half_is_no_attack() {
    let scene = Scene::new("").await;
    let mut client = scene.attacker(&[]).await;
    for n in 0..150 {
        client.get(nth(3 * n), "/never").await;
        client.get(nth(3 * n + 1), "/status/204").await;
        client.get(nth(3 * n + 2), "/status/204").await;
        client.send(&[H2Frame::reset(nth(3 * n), 8)]).await;
        assert_eq!(client.answer(nth(3 * n + 2)).await.status, Some(204), "{n}");
    }
    assert_eq!(scene.expired("abusive"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn made_you_reset() {
    type Provocation = fn(u32) -> H2Frame;
    let provocations: [(&str, Provocation); 5] = [
        ("a window enlarged by nothing", |stream| H2Frame::window(stream, 0)),
        ("a window enlarged beyond all", |stream| H2Frame::window(stream, 0x7fff_ffff)),
        ("DATA after the end", |stream| H2Frame::data(stream, "x", true)),
        ("a second head after the end", |stream| H2Frame::headers(stream, hpack::get("/echo"), true)),
        ("a stream that depends on itself", |stream| {
            H2Frame::new(2, 0, stream, [&stream.to_be_bytes()[..], &[1]].concat())
        }),
    ];
    for (what, provocation) in provocations {
        let scene = Scene::new("").await;
        let mut attacker = scene.attacker(&[]).await;
        let attack = async {
            for n in 0..1_000 {
                attacker.try_send(&[H2Frame::headers(nth(n), hpack::get("/never"), true)]).await;
                // Each is on its way to the application before it is made to be reset, so that it costs the most.
                if !scene.arrive_soon(n as usize + 1).await || !attacker.try_send(&[provocation(nth(n))]).await {
                    break;
                }
            }
            attacker.ended().await
        };
        let (ending, ()) = tokio::join!(attack, scene.serves_others());
        assert!(scene.arrived() <= 101, "{what}: {} requests arrived; {ending:?}", scene.arrived());
        assert_eq!(scene.expired("abusive"), 1.0, "{what}: {ending:?}");
        scene.leaves_nothing().await;
    }
}

/// Streams of one connection that send bombs.
const BOMBS: u32 = 100;

/// A head for each of them, of so many fields that take a byte on the wire each.
fn bombs(fields: usize) -> Vec<u8> {
    let bomb = |n: u32| {
        let table = if n == 0 { hpack::kept(b"a", b"") } else { Vec::new() };
        let head = [hpack::get("/echo"), table, hpack::newest(fields)].concat();
        H2Frame::headers(nth(n), head, true)
    };
    (0..BOMBS).flat_map(|n| bomb(n).encode()).collect()
}

/// So many connections that send this behind a closed window and stay, and by how much memory grew until all were answered.
async fn besieged(scene: &Scene, connections: usize, sent: &[u8]) -> (Vec<H2RawClient>, u64) {
    let before = resident();
    let mut attackers = Vec::new();
    let mut most = before;
    for _ in 0..connections {
        // Millions of fields take their time without optimisation.
        let mut attacker = scene.attacker(&[(WINDOW, 0)]).await.with_limit(Duration::from_secs(60));
        attacker.write(sent).await;
        attackers.push(attacker);
        most = most.max(resident());
    }
    for attacker in &mut attackers {
        // Heads come through a closed window, bodies do not.
        attacker.until("the last answer", |frame| (frame.kind, frame.stream) == (1, nth(BOMBS - 1))).await;
        most = most.max(resident());
    }
    (attackers, most.max(resident()) - before)
}

/// One byte on the wire for each field, held by a window that is closed (CVE-2026-49975). What a stream takes that waits for its window is
/// the same however many fields its head had: memory follows the streams, whose number is bounded, and never the fields.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what this test tells")]
async fn header_bombs_behind_a_closed_window() {
    const CONNECTIONS: usize = 50;
    let scene = Scene::new("").await;
    let in_mebibytes = |bytes: u64| bytes as f64 / MEBIBYTE as f64;
    // Refused as the others are, for one field in eight.
    let (few, of_few) = besieged(&scene, CONNECTIONS, &bombs(156)).await;
    // As large as a head may be: 33 octets are counted for each byte.
    let (many, of_many) = besieged(&scene, CONNECTIONS, &bombs(1_250)).await;
    scene.serves_others().await;
    println!(
        "{CONNECTIONS} connections with {BOMBS} bombs each: {:.1} MiB more for 156 fields, {:.1} MiB more for 1,250",
        in_mebibytes(of_few),
        in_mebibytes(of_many)
    );
    assert_eq!(scene.arrived(), 0, "refused before the application");
    // Were no more than 32 bytes kept of each field, the second would be more than twice the first.
    assert!(of_many < of_few / 2 * 3, "{of_few} bytes, then {of_many}");
    assert!(of_few < 5 * CONNECTIONS as u64 * MEBIBYTE, "{of_few} bytes");
    drop((few, many));
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn header_bombs_beyond_the_limit() {
    let scene = Scene::new("").await;
    let bomb = |fields: usize| [hpack::get("/echo"), hpack::kept(b"a", b""), hpack::newest(fields)].concat();
    let mut attacker = scene.attacker(&[]).await;
    attacker.send(&[H2Frame::headers(1, bomb(3_000), true)]).await;
    assert_eq!(attacker.answer(1).await.status, Some(431));
    attacker.send(&[H2Frame::headers(3, bomb(16_000), true)]).await;
    let ending = attacker.ended().await;
    assert_eq!(ending.code, CALM, "{ending:?}");
    assert_eq!((scene.arrived(), scene.expired("abusive")), (0, 1.0));
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn continuation_flood() {
    for payload in [vec![], hpack::block([("x-y", "1")])] {
        let scene = Scene::new("").await;
        let mut attacker = scene.attacker(&[]).await;
        attacker.send(&[H2Frame::new(1, 0x1, 1, hpack::get("/echo"))]).await;
        attacker.try_send(&vec![H2Frame::new(9, 0, 1, payload); 1_000]).await;
        let ending = attacker.ended().await;
        assert!(ending.code.is_none_or(|code| code == 0xb), "{ending:?}");
        scene.serves_others().await;
        assert_eq!((scene.arrived(), scene.expired("abusive")), (0, 1.0));
        scene.leaves_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_without_content() {
    let empty = |stream| H2Frame::data(stream, "", false);
    let floods = [
        ("PING", H2Frame::ping()),
        ("SETTINGS", H2Frame::settings(&[])),
        ("WINDOW_UPDATE of the connection", H2Frame::window(0, 1)),
        ("WINDOW_UPDATE of a stream", H2Frame::window(1, 1)),
        ("PRIORITY", H2Frame::new(2, 0, 1, [0, 0, 0, 0, 1])),
        ("a kind nobody knows", H2Frame::new(0xbe, 0, 0, [])),
        ("empty DATA", empty(1)),
    ];
    for (what, frame) in floods {
        let scene = Scene::new("").await;
        let mut attacker = scene.attacker(&[]).await;
        attacker.send(&[H2Frame::headers(1, hpack::request("POST", "/upload", &[]), false)]).await;
        let flood = vec![frame; 500];
        let started = Instant::now();
        let attack = async {
            for _ in 0..200 {
                if !attacker.try_send(&flood).await {
                    break;
                }
            }
            attacker.ended().await
        };
        let (ending, ()) = tokio::join!(attack, scene.serves_others());
        assert!(ending.code.is_none_or(|code| code == 0xb), "{what}: {ending:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what}: {:?}", started.elapsed());
        assert_eq!(scene.expired("abusive"), 1.0, "{what}");
        scene.leaves_nothing().await;
    }
}

/// What an ordinary client sends beside its requests is far below the budget.
#[tokio::test(flavor = "multi_thread")]
async fn windows_may_be_enlarged_for_every_frame_of_an_answer() {
    let scene = Scene::new("").await;
    let mut client = scene.attacker(&[]).await;
    client.get(1, "/bytes/30000000").await;
    let mut received = 0;
    while received < 30_000_000 {
        let frame = client.next().await.expect("the answer goes on");
        if frame.kind == 0 && !frame.payload.is_empty() {
            received += frame.payload.len();
            let room = u32::try_from(frame.payload.len()).unwrap();
            client.send(&[H2Frame::window(0, room), H2Frame::window(1, room), H2Frame::ping()]).await;
        }
    }
    assert_eq!(scene.expired("abusive"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiny_frames() {
    let scene = Scene::new("").await;
    let mut attacker = scene.attacker(&[]).await;
    let before = resident();
    attacker.send(&[H2Frame::headers(1, hpack::request("POST", "/never", &[]), false)]).await;
    let flood = vec![H2Frame::data(1, "x", false); 1_000];
    let attack = async {
        // More than the windows take is not sent: it would be an error of another kind.
        for _ in 0..60 {
            if !attacker.try_send(&flood).await {
                break;
            }
        }
    };
    let ((), ()) = tokio::join!(attack, scene.serves_others());
    let growth = resident().saturating_sub(before);
    assert!(growth < 32 * MEBIBYTE, "{growth} bytes");
    drop(attacker);
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what this test tells")]
async fn stalled_windows() {
    const CONNECTIONS: usize = 5;
    const STREAMS: u32 = 100;
    for window in [0, 1] {
        let scene = Scene::new("[server]\nsend_timeout = \"5s\"\n[load_shed]\nmax_in_flight = 100000\n").await;
        // Connections to the application that read in large pieces, as they do after a large answer.
        for _ in 0..4 {
            assert_eq!(scene.honest.get("/bytes/5000000").await.body().len(), 5_000_000);
        }
        let before = resident();
        let mut attackers = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut attacker = scene.attacker(&[(WINDOW, window)]).await;
            for n in 0..STREAMS {
                attacker.get(nth(n), "/bytes/5000000").await;
            }
            attackers.push(attacker);
        }
        let asked = CONNECTIONS * STREAMS as usize;
        scene.until_arrived(asked).await;
        scene.serves_others().await;
        let growth = resident().saturating_sub(before);
        println!(
            "{CONNECTIONS} connections with {STREAMS} answers each behind windows of {window}: {:.1} MiB more",
            growth as f64 / MEBIBYTE as f64
        );
        assert!(growth < 200 * MEBIBYTE, "{growth} bytes");
        for attacker in &mut attackers {
            attacker.ended().await;
        }
        assert_eq!(scene.expired("slow_reader"), CONNECTIONS as f64);
        scene.leaves_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn window_overflow() {
    let scene = Scene::new("").await;
    let mut attacker = scene.attacker(&[]).await;
    attacker.send(&[H2Frame::window(0, 0x7fff_ffff)]).await;
    assert_eq!(attacker.ended().await.code, FLOW_CONTROL_ERROR);
    let mut attacker = scene.attacker(&[]).await;
    attacker.get(1, "/never").await;
    attacker.send(&[H2Frame::window(1, 0x7fff_ffff)]).await;
    assert_eq!(attacker.answer(1).await.reset, FLOW_CONTROL_ERROR);
    attacker.send(&[H2Frame::settings(&[(WINDOW, 0x8000_0000)])]).await;
    assert!(attacker.ended().await.code.is_some());
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_larger_than_announced() {
    let scene = Scene::new("").await;
    let mut attacker = scene.attacker(&[]).await;
    attacker.try_send(&[H2Frame::data(1, vec![0; 20_000], true)]).await;
    let ending = attacker.ended().await;
    assert!(ending.code.is_none() || ending.code == FRAME_SIZE_ERROR, "{ending:?}");
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_streams() {
    let scene = Scene::new("").await;
    let mut attacker = scene.attacker(&[]).await;
    for n in 0..150 {
        attacker.get(nth(n), "/never").await;
    }
    for n in 100..150 {
        let refused = attacker.until("a refusal", |frame| frame.kind == 3).await;
        assert_eq!((refused.stream, refused.payload.last().copied().map(u32::from)), (nth(n), REFUSED_STREAM));
    }
    scene.until_arrived(100).await;
    assert_eq!(scene.expired("abusive"), 0.0);
    let more: Vec<_> = (150..400).map(|n| H2Frame::headers(nth(n), hpack::get("/never"), true)).collect();
    attacker.try_send(&more).await;
    let ending = attacker.ended().await;
    assert!(ending.code.is_none_or(|code| code == 0xb), "{ending:?}");
    assert_eq!((scene.arrived(), scene.expired("abusive")), (100, 1.0));
    scene.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_streams_as_configured() {
    let scene = Scene::new("[server]\nmax_streams = 3\n").await;
    let mut client = scene.attacker(&[]).await;
    for n in 0..4 {
        client.get(nth(n), "/never").await;
    }
    assert_eq!(client.answer(nth(3)).await.reset, REFUSED_STREAM);
    scene.until_arrived(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_preface() {
    let scene = Scene::new("[server]\nfirst_byte_timeout = \"300ms\"\nheader_timeout = \"300ms\"\n").await;
    let settings = H2Frame::settings(&[]).encode();
    let whole = [H2RawClient::PREFACE, &settings].concat();
    for length in [1, 10, 14, 20, 24, 28, whole.len()] {
        let mut attacker = H2RawClient::connect_silent(scene.app.public()).await;
        attacker.write(&whole[..length]).await;
        let started = Instant::now();
        attacker.ended().await;
        assert!(started.elapsed() < Duration::from_secs(3), "{length} bytes: {:?}", started.elapsed());
    }
    scene.serves_others().await;
}

/// A header block that never ends bars its connection; it ends in the time of a head, also while other streams are served.
#[tokio::test(flavor = "multi_thread")]
async fn slow_head() {
    let block = hpack::get("/echo");
    let whole = H2Frame::headers(3, block.clone(), true).encode();
    let begins = [
        ("without its end", H2Frame::new(1, 0x1, 3, block.clone()).encode()),
        ("in the middle of its frame", whole[..whole.len() - 3].to_vec()),
        (
            "after a continuation",
            [H2Frame::new(1, 0x1, 3, block), H2Frame::new(9, 0, 3, [])].map(|f| f.encode()).concat(),
        ),
    ];
    for (what, bytes) in begins {
        let scene = Scene::new("[server]\nheader_timeout = \"300ms\"\n").await;
        let mut attacker = scene.attacker(&[]).await;
        attacker.get(1, "/never").await;
        scene.until_arrived(1).await;
        attacker.write(&bytes).await;
        let started = Instant::now();
        attacker.ended().await;
        assert!(started.elapsed() < Duration::from_secs(3), "{what}: {:?}", started.elapsed());
        assert_eq!(scene.expired("slow_head"), 1.0, "{what}");
        scene.leaves_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_in_many_pieces_that_comes_in_time_is_served() {
    let scene = Scene::new("").await;
    let mut client = scene.attacker(&[]).await;
    for byte in H2Frame::headers(1, hpack::get("/echo"), true).encode() {
        client.write(&[byte]).await;
    }
    assert_eq!(client.answer(1).await.status, Some(200));
}

/// Streams whose request never ends.
#[tokio::test(flavor = "multi_thread")]
async fn streams_left_half_open() {
    let scene = Scene::new("[deadline]\nrequest_idle = \"500ms\"\n").await;
    let mut attacker = scene.attacker(&[]).await;
    for n in 0..100 {
        let head = hpack::request("POST", "/upload", &[]);
        attacker.send(&[H2Frame::headers(nth(n), head, false)]).await;
    }
    scene.serves_others().await;
    let mut answered = 0;
    while answered < 100 {
        let head = attacker.until("an answer", |frame| frame.kind == 1).await;
        assert!(!head.payload.is_empty());
        answered += 1;
    }
    scene.app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert!(scene.upstream.requests().iter().all(|request| request.target == "/honest" || !request.body_complete));
    drop(attacker);
    scene.leaves_nothing().await;
}

/// Who does not answer a ping is gone, though its request goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_gone() {
    let scene = Scene::new("[server]\nidle_timeout = \"300ms\"\nsend_timeout = \"300ms\"\n").await;
    let mut gone = scene.attacker(&[]).await;
    gone.get(1, "/never").await;
    scene.until_arrived(1).await;
    let started = Instant::now();
    gone.until("a ping", |frame| frame.kind == 6 && frame.flags == 0).await;
    gone.ended().await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    scene.app.until_metric("http_server_active_requests", &[], 0.0).await;
    scene.upstream.until("its request to be given up", |upstream| upstream.open_connections() <= 1).await;
}
