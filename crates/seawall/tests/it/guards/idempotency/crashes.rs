//! The process ends at each step of the protocol, and what the next attempt is told: nothing is carried out twice in silence.

use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

use seawall::app::SystemClock;
use seawall_core::{fault, idempotency::points, meter::NoMeter};
use seawall_store::{Cause, DatabaseUrl, Db, Options, StoreError, Surroundings};
use seawall_testkit::{
    client::{Client, RawClient, RawResponse, Request},
    upstream::{Kind, Upstream},
};
use tokio::task::{JoinSet, block_in_place};

use super::{KEY, replayed};
use crate::{
    cli::binary::{Place, Server},
    postgres,
};

/// A step at which the process ends, and what is true from there on.
struct Step {
    point: &'static str,
    /// What the application does with the request.
    path: &'static str,
    /// How often the application had it by then.
    sent: usize,
    /// What the next attempt is told while the dead process is still believed to live; once it is not; and where the route says that its
    /// application bears a request twice.
    told: [&'static str; 3],
    /// How often the application had it after these three.
    sent_at_last: usize,
}

const fn step(point: &'static str, sent: usize, told: [&'static str; 3], sent_at_last: usize) -> Step {
    Step { point, path: "/echo", sent, told, sent_at_last }
}

/// Nothing was kept, and the first attempt that is heard of is the next one.
const FRESH: [&str; 3] = ["carried out", "replayed", "replayed"];
/// It was claimed, and nobody knows more.
const CLAIMED: [&str; 3] = ["in flight", "unknown", "carried out"];
/// It was answered.
const ANSWERED: [&str; 3] = ["replayed"; 3];

/// All steps.
const STEPS: [Step; points::ALL.len()] = [
    step(points::ASKED, 0, FRESH, 1),
    step(points::CLAIM_WRITTEN, 0, FRESH, 1),
    step(points::CLAIM_KEPT, 0, CLAIMED, 1),
    step(points::CLAIMED, 0, CLAIMED, 1),
    // From here on the route says that a second time does no harm, or it does not happen.
    step(points::ANSWERED, 1, CLAIMED, 2),
    step(points::ANSWER_WHOLE, 1, CLAIMED, 2),
    step(points::ANSWER_WRITTEN, 1, CLAIMED, 2),
    step(points::ANSWER_KEPT, 1, ANSWERED, 1),
    step(points::REPLAYING, 1, ANSWERED, 1),
    // The application breaks the connection off.
    Step { path: "/close", ..step(points::GIVEN_UP, 1, ["in flight", "unknown", "502"], 2) },
    Step { path: "/close", ..step(points::ABANDON_WRITTEN, 1, ["in flight", "unknown", "502"], 2) },
    Step { path: "/close", ..step(points::ABANDON_KEPT, 1, ["unknown", "unknown", "502"], 2) },
    // The application says that it did nothing, each time.
    Step { path: "/status/503", ..step(points::RELEASE_WRITTEN, 1, ["in flight", "unknown", "503"], 2) },
    Step { path: "/status/503", ..step(points::RELEASE_KEPT, 1, ["503"; 3], 4) },
];

impl Step {
    /// The step's own key is its name.
    fn request(&self) -> Request {
        let key = format!("\"{}\"", self.point);
        Request::post(self.path).header("Host", "a").header(KEY, key).body("x")
    }

    /// How often the application had it.
    fn sent(&self, upstream: &Upstream) -> usize {
        carried_out(upstream, &format!("\"{}\"", self.point))
    }

    /// Lets a process end at this step.
    async fn die(&self, mut server: Server) {
        if self.point == points::REPLAYING {
            server.client().request(self.request()).await.expect_status(200);
        }
        let mut client = RawClient::connect(server.address()).await;
        let first = client.try_request(&self.request()).await;
        assert!(first.is_err() || self.path == "/close", "{} was passed: {first:?}", self.point);
        assert_eq!(block_in_place(|| server.child.ended()), None, "{}: {}", self.point, server.child);
    }

    /// Tries again, and compares what is told.
    async fn again(&self, client: &Client, turn: usize) {
        let answer = client.request(self.request()).await;
        assert_eq!(told(&answer), self.told[turn], "after {}, attempt {turn}: {}", self.point, answer.text());
    }
}

/// What an attempt came to.
fn told(answer: &RawResponse) -> String {
    match answer.status {
        200 if replayed(answer) => "replayed".to_owned(),
        200 => "carried out".to_owned(),
        409 if answer.text().contains("idempotency-in-flight") => "in flight".to_owned(),
        409 if answer.text().contains("idempotency-outcome-unknown") => "unknown".to_owned(),
        status => status.to_string(),
    }
}

/// How often a request with this key reached the application.
fn carried_out(upstream: &Upstream, key: &str) -> usize {
    upstream.requests().iter().filter(|request| request.header("idempotency-key") == Some(key)).count()
}

/// Moves when the processes that were heard of are not believed to live any more.
async fn believe(url: &str, moved: i64) {
    let surroundings = Surroundings { clock: Arc::new(SystemClock::new()), meter: &NoMeter };
    let db = Db::open(&DatabaseUrl::parse(url).unwrap(), &Options::default(), &surroundings).unwrap();
    let sql = "UPDATE idempotency_lives SET alive_until = alive_until + $1";
    let cause = Cause::system("test");
    db.write::<_, StoreError>(&cause, move |tx| tx.execute(sql, &[&moved])).await.unwrap();
    block_in_place(|| db.close());
}

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Seawall with this store and this answer to what nobody knows.
fn configure(place: &Place, store: &str, unknown: &str) {
    let rest = "[rate_limit]\nlimits = []\n[retry]\nattempts = 1\n[upstream]\nbreaker_failures = 1000\n";
    let text = format!("{rest}[idempotency]\nunknown = \"{unknown}\"\n{store}");
    fs::write(place.path().join("seawall.toml"), text).unwrap();
}

fn serve(place: &Place, upstream: &Upstream, point: Option<&str>) -> Server {
    let variables: Vec<_> = point.map(|point| (fault::VARIABLE, point)).into_iter().collect();
    block_in_place(|| place.serve_with(&variables, &["run", "--to", &upstream.url()]))
}

#[test]
fn each_step_has_its_row() {
    let steps: BTreeSet<_> = STEPS.iter().map(|step| step.point).collect();
    assert_eq!(steps, BTreeSet::from(points::ALL));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(debug_assertions), ignore = "what is released has no fault points")]
async fn wk_13_a_process_that_dies_at_any_step_is_told_as_what_it_is_after_a_restart() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::new();
    configure(&place, "", "conflict");
    for step in &STEPS {
        step.die(serve(&place, &upstream, Some(step.point))).await;
        assert_eq!(step.sent(&upstream), step.sent, "at {}", step.point);
    }
    let store = format!("sqlite://{}", place.path().join(".seawall/seawall.db").display());
    for (turn, (moved, unknown)) in
        [(DAY_US, "conflict"), (-2 * DAY_US, "conflict"), (0, "retry")].into_iter().enumerate()
    {
        believe(&store, moved).await;
        configure(&place, "", unknown);
        let mut server = serve(&place, &upstream, None);
        for step in &STEPS {
            step.again(&server.client(), turn).await;
            let unasked = step.sent.max(usize::from(step.told[0] == "carried out"));
            assert!(
                step.sent(&upstream) <= unasked || turn == 2 || step.told[turn] == "503",
                "twice after {}",
                step.point
            );
        }
        assert_eq!(block_in_place(|| server.terminate()), Some(0));
    }
    for step in &STEPS {
        assert_eq!(step.sent(&upstream), step.sent_at_last, "after {}", step.point);
    }
}

/// What the other process is told, which goes on meanwhile; and of many attempts at once, one is sent on.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(debug_assertions), ignore = "what is released has no fault points")]
async fn wk_13_when_one_of_two_processes_over_one_database_dies_the_other_tells_what_is_known() {
    let database = postgres::Server::start();
    let upstream = Upstream::start(Kind::ByPath).await;
    let store = format!("[store]\nurl = \"{}\"\n", database.url());
    let (dies, other, bears) = (Place::new(), Place::new(), Place::new());
    for (place, unknown) in [(&dies, "conflict"), (&other, "conflict"), (&bears, "retry")] {
        configure(place, &store, unknown);
    }
    let other = serve(&other, &upstream, None);
    let matters = [
        points::CLAIM_WRITTEN,
        points::CLAIM_KEPT,
        points::ANSWERED,
        points::ANSWER_WRITTEN,
        points::ANSWER_KEPT,
        points::ABANDON_WRITTEN,
        points::RELEASE_WRITTEN,
    ];
    for step in STEPS.iter().filter(|step| matters.contains(&step.point)) {
        step.die(serve(&dies, &upstream, Some(step.point))).await;
        assert_eq!(step.sent(&upstream), step.sent, "at {}", step.point);
        believe(&database.url(), DAY_US).await;
        step.again(&other.client(), 0).await;
        believe(&database.url(), -2 * DAY_US).await;
        step.again(&other.client(), 1).await;
    }
    // Its life begins here, so it is believed.
    let bears = serve(&bears, &upstream, None);
    for step in STEPS.iter().filter(|step| matters.contains(&step.point)) {
        if step.told[2] != "carried out" {
            step.again(&bears.client(), 2).await;
            continue;
        }
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (client, request) = (bears.client(), step.request());
            tasks.spawn(async move { told(&client.request(request).await) });
        }
        let words = tasks.join_all().await;
        assert_eq!(words.iter().filter(|word| *word == "carried out").count(), 1, "after {}: {words:?}", step.point);
        assert!(
            words.iter().all(|word| ["carried out", "replayed", "in flight"].contains(&word.as_str())),
            "{words:?}"
        );
    }
    for step in STEPS.iter().filter(|step| matters.contains(&step.point)) {
        assert_eq!(step.sent(&upstream), step.sent_at_last, "after {}", step.point);
    }
}

/// Killed before the key was claimed, while the application is asked, while the answer is kept, and after.
#[tokio::test(flavor = "multi_thread")]
async fn wk_13_killed_at_any_moment_nothing_is_carried_out_twice_in_silence() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::new();
    let to = upstream.url();
    let serve = || block_in_place(|| place.serve(&["run", "--to", &to]));
    let request = |key: &str| Request::post("/slow/40").header("Host", "a").header(KEY, key).body("x");
    let mut seen = BTreeSet::new();
    for round in 0..16 {
        let key = format!("\"k{round}\"");
        let mut server = serve();
        let (mut client, asks) = (RawClient::connect(server.address()).await, request(&key));
        let first = match round % 4 {
            // Before anything of it was sent.
            0 => {
                server.child.signal("KILL");
                tokio::spawn(async move { client.try_request(&asks).await })
            }
            // While the application has it.
            1 => {
                let first = tokio::spawn(async move { client.try_request(&asks).await });
                upstream.until("the application has it", |upstream| carried_out(upstream, &key) == 1).await;
                server.child.signal("KILL");
                first
            }
            // Once it was answered.
            2 => {
                let answer = client.try_request(&asks).await;
                server.child.signal("KILL");
                tokio::spawn(async move { answer })
            }
            // At any other moment.
            _ => {
                let first = tokio::spawn(async move { client.try_request(&asks).await });
                tokio::time::sleep(Duration::from_millis(round * 5)).await;
                server.child.signal("KILL");
                first
            }
        };
        let answered = first.await.unwrap().is_ok_and(|answer| answer.status == 200);
        block_in_place(|| server.child.ended());
        let mut server = serve();
        let again = server.client().request(request(&key)).await;
        let how = match again.status {
            200 if replayed(&again) => "replayed",
            200 => "carried out",
            409 if again.text().contains("idempotency-in-flight") => "told that nobody has an answer yet",
            _ => panic!("{again:?}"),
        };
        assert!(carried_out(&upstream, &key) <= 1, "{key} was carried out twice; the second was {how}");
        assert!(!answered || how == "replayed", "{key} was answered, and its second was {how}");
        seen.insert(how);
        assert_eq!(block_in_place(|| server.terminate()), Some(0));
    }
    let all = ["carried out", "replayed", "told that nobody has an answer yet"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}
