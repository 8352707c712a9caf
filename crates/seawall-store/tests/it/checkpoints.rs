//! Signed checkpoints on their way to a file, an object store and a webhook: none is skipped, whatever ends or is away meanwhile.

use std::{fs, sync::Arc, time::Duration};

use seawall_core::meter::NoMeter;
use seawall_store::{
    Db, Options, StoreError,
    audit::{self, Checkpoint, Courier, Destination, Entry, Signed, SigningKey, Standing, Webhook},
    backup::Place,
    webhook::{WebhookSecret, WebhookUrl},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};

use crate::{
    scratch::clock,
    support::{CAUSE, Store, on_both},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A key, and a directory for what is delivered.
struct Desk {
    directory: TempDir,
    key: Arc<SigningKey>,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = Arc::new(SigningKey::open(&directory.path().join("audit.key")).unwrap());
        Self { directory, key }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self) -> Destination {
        Destination::file(self.path("checkpoints.jsonl"), self.key.id())
    }

    fn bucket(&self) -> Destination {
        Destination::bucket(Place::parse(self.path("place").to_str().unwrap(), &[]).unwrap(), "node")
    }

    /// Writes an entry and signs the head.
    async fn sign(&self, db: &Db) -> Checkpoint {
        db.write(&CAUSE, |tx| tx.audit(Entry::new("test.done", "test", "1"))).await.unwrap();
        audit::seal_waiting(db).await.unwrap();
        audit::sign_head(db, &self.key).await.unwrap().unwrap()
    }

    fn courier(&self, db: &Db, destination: &Destination) -> Courier {
        Courier::new(db.clone(), destination.clone(), self.key.id().to_owned(), clock(), &NoMeter)
    }

    /// Carries what waits, once.
    async fn carry(&self, db: &Db, destination: &Destination) {
        let (_tell, signed) = watch::channel(Signed { count: 1, last: true });
        self.courier(db, destination).run(signed).await;
    }
}

async fn held(destination: &Destination) -> Vec<Checkpoint> {
    let held = destination.held().await.unwrap();
    assert_eq!(held.unreadable, 0);
    held.checkpoints
}

async fn standing(db: &Db, destination: &Destination) -> Standing {
    let standings = audit::standings(db).await.unwrap();
    standings.into_iter().find(|standing| standing.destination == destination.id()).unwrap()
}

#[tokio::test]
async fn what_was_signed_before_a_crash_is_delivered_after_it() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        for destination in [desk.file(), desk.bucket()] {
            let mut signed = vec![desk.sign(&db).await];
            desk.carry(&db, &destination).await;
            // The process is gone before any of these is carried.
            for _ in 0..3 {
                signed.push(desk.sign(&db).await);
            }
            desk.carry(&db, &destination).await;
            assert_eq!(held(&destination).await, signed, "{destination}");
            let Standing { delivered_seq, waiting, failures, .. } = standing(&db, &destination).await;
            assert_eq!((delivered_seq, waiting, failures), (signed[3].seq, 0, 0));
            let keys = [desk.key.public().to_vec()];
            let report = audit::verify(&db, &keys, &signed).await.unwrap();
            assert_eq!((report.findings, report.covered), (vec![], signed[3].seq));
        }
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_was_not_noted_is_repeated_without_a_trace() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        for destination in [desk.file(), desk.bucket()] {
            let signed = [desk.sign(&db).await, desk.sign(&db).await];
            desk.carry(&db, &destination).await;
            forget(&db).await;
            desk.carry(&db, &destination).await;
            assert_eq!(held(&destination).await.last(), Some(&signed[1]));
            let held = held(&destination).await;
            let mut once = held.clone();
            once.dedup();
            assert_eq!(held, once, "{destination}");
            assert_eq!(standing(&db, &destination).await.delivered_seq, signed[1].seq);
        }
    })
    .await;
}

async fn forget(db: &Db) {
    let sql = "UPDATE audit_deliveries SET delivered_seq = delivered_seq - 1";
    let done: Result<(), StoreError> = db.write(&CAUSE, move |tx| tx.execute(sql, &[]).map(drop)).await;
    done.unwrap();
}

#[tokio::test]
async fn half_a_line_is_cut_off_and_a_destination_begins_with_the_newest() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        desk.sign(&db).await;
        let newest = desk.sign(&db).await;
        let file = desk.path("checkpoints.jsonl");
        fs::write(&file, "{\"seq\":1,\"ha").unwrap();
        desk.carry(&db, &desk.file()).await;
        assert_eq!(fs::read_to_string(&file).unwrap(), newest.to_json() + "\n");
    })
    .await;
}

#[tokio::test]
async fn an_object_of_another_is_never_written_over_and_stops_the_rest() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        let (bucket, first) = (desk.bucket(), desk.sign(&db).await);
        let folder = desk.path("place/checkpoints");
        fs::create_dir_all(&folder).unwrap();
        let object = folder.join(format!("{:020}-{:016}.json", first.seq, first.at_us));
        fs::write(&object, "forged").unwrap();
        desk.carry(&db, &bucket).await;
        desk.sign(&db).await;
        desk.carry(&db, &bucket).await;
        assert_eq!(fs::read_to_string(&object).unwrap(), "forged");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let Standing { waiting, failures, failure, .. } = standing(&db, &bucket).await;
        assert_eq!((waiting, failures), (2, 2));
        assert!(failure.as_deref().is_some_and(|why| why.contains("find out who wrote it")), "{failure:?}");
    })
    .await;
}

#[tokio::test]
async fn only_one_process_at_a_time_carries_to_a_destination() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        let signed = desk.sign(&db).await;
        desk.carry(&db, &desk.bucket()).await;
        desk.sign(&db).await;
        let other = Desk {
            key: Arc::new(SigningKey::open(&desk.path("other.key")).unwrap()),
            directory: tempfile::tempdir().unwrap(),
        };
        // The first one has its turn still.
        other.carry(&db, &desk.bucket()).await;
        assert_eq!(held(&desk.bucket()).await, [signed]);
        desk.carry(&db, &desk.bucket()).await;
        assert_eq!(held(&desk.bucket()).await.len(), 2);
    })
    .await;
}

/// What a webhook was sent.
struct Post {
    head: String,
    body: String,
}

impl Post {
    fn field(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("{name} is missing in {}", self.head))
    }
}

/// Answers one post after the other with these statuses; what it was sent comes back.
async fn receive(listener: &TcpListener, statuses: &[&str]) -> Vec<Post> {
    let mut posts = Vec::new();
    for status in statuses {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let post = loop {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the post is not whole");
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let post = Post { head: head.to_owned(), body: body.to_owned() };
            if post.field("content-length").parse::<usize>().unwrap() == body.len() {
                break post;
            }
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        posts.push(post);
    }
    posts
}

fn webhook(port: u16) -> Destination {
    let url = WebhookUrl::parse(&format!("http://127.0.0.1:{port}/checkpoints?token=1")).unwrap();
    Destination::webhook(Webhook::new(url, Some(WebhookSecret::parse(SECRET).unwrap())).unwrap())
}

#[tokio::test]
async fn a_webhook_that_fails_gets_the_same_post_again_and_then_the_next() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let destination = webhook(listener.local_addr().unwrap().port());
        let first = desk.sign(&db).await;
        let (tell, signed) = watch::channel(Signed { count: 1, last: false });
        let running = tokio::spawn(desk.courier(&db, &destination).run(signed));
        let mut posts = receive(&listener, &["503 Service Unavailable"]).await;
        // While the first one waits to be tried again.
        let second = desk.sign(&db).await;
        posts.extend(receive(&listener, &["302 Found", "204 No Content", "200 OK"]).await);
        tell.send(Signed { count: 2, last: true }).unwrap();
        running.await.unwrap();
        let bodies: Vec<_> = posts.iter().map(|post| Checkpoint::from_json(&post.body).unwrap()).collect();
        assert_eq!(bodies, [first.clone(), first.clone(), first, second.clone()]);
        let id = posts[0].field("webhook-id");
        assert!(posts[..3].iter().all(|post| post.field("webhook-id") == id) && posts[3].field("webhook-id") != id);
        assert!(posts[0].head.starts_with("POST /checkpoints?token=1 HTTP/1.1\r\n"), "{}", posts[0].head);
        for post in &posts {
            let at = post.field("webhook-timestamp").parse().unwrap();
            let expected = WebhookSecret::parse(SECRET).unwrap().sign(post.field("webhook-id"), at, &post.body);
            assert_eq!(post.field("webhook-signature"), expected);
        }
        assert_eq!(standing(&db, &destination).await.delivered_seq, second.seq);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_never_answers_holds_up_the_end_for_seconds_only() {
    let (store, desk) = (Store::sqlite(&Options::default()), Desk::new());
    let db = store.with_tables().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let destination = webhook(listener.local_addr().unwrap().port());
    desk.sign(&db).await;
    let (tell, signed) = watch::channel(Signed { count: 1, last: false });
    let running = tokio::spawn(desk.courier(&db, &destination).run(signed));
    let _silent = listener.accept().await.unwrap();
    tell.send(Signed { count: 1, last: true }).unwrap();
    // Less than the attempt itself may take.
    tokio::time::timeout(Duration::from_secs(8), running).await.unwrap().unwrap();
    assert_eq!(standing(&db, &destination).await.waiting, 1);
}

#[tokio::test]
async fn a_webhook_that_is_away_is_told_of_without_its_token() {
    on_both(async |store| {
        let (db, desk) = (store.with_tables().await, Desk::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let destination = webhook(listener.local_addr().unwrap().port());
        drop(listener);
        desk.sign(&db).await;
        desk.carry(&db, &destination).await;
        let Standing { failures, failure, waiting, .. } = standing(&db, &destination).await;
        let failure = failure.unwrap();
        assert_eq!((failures, waiting), (1, 1));
        assert!(failure.contains("http://127.0.0.1:") && !failure.contains("token"), "{failure}");
        assert!(!destination.id().contains("token") && !format!("{destination} {destination:?}").contains("token"));
    })
    .await;
}
