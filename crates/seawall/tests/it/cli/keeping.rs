//! Seawall's own store: what the server keeps in it, and what operators do with it, with a server and without one.

use std::fs;

use seawall_store::migration::Ledger;
use seawall_testkit::upstream::{Kind, Upstream};
use serde_json::Value;

use super::binary::{Place, Server};

async fn serve(place: &Place) -> (Upstream, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server)
}

fn verify(place: &Place) -> (Option<i32>, Value) {
    let said = place.seawall(&["audit-log", "verify", "--json"]);
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}")))
}

fn actions(place: &Place) -> Vec<String> {
    let lines = place.seawall(&["audit-log", "export"]).ok();
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    entries.map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_read_and_verified_with_a_server_and_without() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(actions(&place), ["server.started"]);
    let (code, report) = verify(&place);
    assert_eq!((code, &report["intact"], &report["entries"]), (Some(0), &true.into(), &1.into()), "{report}");
    assert!(place.seawall(&["audit-log", "tail"]).ok().contains("server.started  system:seawall on server:seawall"));
    assert_eq!(server.terminate(), Some(0));

    // Nobody has it now, so the command opens it itself. At its end the server has signed the head.
    assert_eq!(actions(&place), ["server.started"]);
    let (code, report) = verify(&place);
    assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    assert_eq!(
        (&report["checkpoints"]["covered"], &report["checkpoints"]["fitting"]),
        (&1.into(), &2.into()),
        "{report}"
    );
    let csv = place.seawall(&["audit-log", "export", "--format", "csv", "--action", "server.started"]).ok();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert_eq!(place.seawall(&["audit-log", "export", "--actor", "nobody"]).ok(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_log_is_told_with_its_place_and_the_exit_code() {
    let place = Place::new();
    for _ in 0..2 {
        let (_upstream, mut server) = serve(&place).await;
        assert_eq!(server.terminate(), Some(0));
    }
    let database = rusqlite::Connection::open(place.path().join(".seawall/seawall.db")).unwrap();
    database
        .execute_batch("DROP TRIGGER audit_log_kept; DELETE FROM audit_log WHERE seq = 2; DELETE FROM audit_checkpoints WHERE seq = 2")
        .unwrap();
    drop(database);
    let said = place.seawall(&["audit-log", "verify"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("not intact: 1 entries"), "{said:?}");
    assert!(said.out.contains("cut          entries 2 to 2 were cut off: a signed checkpoint has them"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_in_an_object_store_show_what_the_file_no_longer_does() {
    let place = Place::with_config("[audit_log]\ncheckpoint_store = \"witness\"\n");
    for _ in 0..2 {
        let (_upstream, mut server) = serve(&place).await;
        assert_eq!(server.terminate(), Some(0));
    }
    let (code, report) = verify(&place);
    // Both are in the database, in the file and in the object store.
    assert_eq!((code, &report["checkpoints"]["fitting"]), (Some(0), &6.into()), "{report}");
    let database = rusqlite::Connection::open(place.path().join(".seawall/seawall.db")).unwrap();
    database
        .execute_batch("DROP TRIGGER audit_log_kept; DELETE FROM audit_log WHERE seq = 2; DELETE FROM audit_checkpoints WHERE seq = 2")
        .unwrap();
    drop(database);
    fs::remove_file(place.path().join(".seawall/audit-checkpoints.jsonl")).unwrap();
    let said = place.seawall(&["audit-log", "verify"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("entries 2 to 2 were cut off: a signed checkpoint has them"), "{said:?}");
    let witness = fs::read_dir(place.path().join("witness/checkpoints")).unwrap().next().unwrap().unwrap().path();
    fs::write(witness, "spoilt").unwrap();
    let said = place.seawall(&["audit-log", "verify"]);
    assert!(said.code == Some(1) && said.out.contains("unreadable   1 of the checkpoints outside"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_away_is_told_of_in_the_store_s_overview() {
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "[audit_log]\ncheckpoint_every = \"1s\"\ncheckpoint_webhook = \"http://127.0.0.1:{port}/s3cret\"\ncheckpoint_webhook_secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    );
    let place = Place::with_config(&config);
    let (_upstream, server) = serve(&place).await;
    server.logged("a checkpoint of the audit log could not be delivered; it is tried again until it is");
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let request = seawall_testkit::client::Request::get("/api/store").header("Authorization", bearer);
    let told = server.admin_client().request(request).await.expect_status(200).json();
    let webhook =
        told["audit_log"]["checkpoints"].as_array().unwrap().iter().find(|row| row["destination"] == "webhook");
    let webhook = webhook.unwrap();
    assert!(webhook["waiting"].as_i64() >= Some(1) && webhook["failures"].as_i64() >= Some(1), "{webhook}");
    assert!(webhook["failure"].as_str().is_some_and(|why| why.contains("127.0.0.1")), "{webhook}");
    assert!(!told.to_string().contains("s3cret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_17_migrations_go_up_and_down_when_no_server_runs() {
    let place = Place::new();
    let nothing = place.seawall(&["migrate", "status"]).refused(69);
    assert!(nothing.contains("there is no store") && nothing.contains("help: it is made when"), "{nothing}");

    let (_upstream, mut server) = serve(&place).await;
    let status: Value = serde_json::from_str(&place.seawall(&["migrate", "status", "--json"]).ok()).unwrap();
    let states = status.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(!states.is_empty() && states.iter().all(|state| *state == "applied"), "{status}");
    let busy = place.seawall(&["migrate", "down", "store"]).refused(69);
    assert!(busy.contains("a server runs") && busy.contains("help: stop it first"), "{busy}");
    assert_eq!(server.terminate(), Some(0));

    for last in applied(&seawall_identity::LEDGER).iter().rev() {
        let down = place.seawall(&["migrate", "down", "identity", "--accept-data-loss"]).ok();
        assert!(down.ends_with(&format!("\nwent back over identity {last}\n")), "{down}");
    }
    for last in applied(&seawall_outbound::LEDGER).iter().rev() {
        let down = place.seawall(&["migrate", "down", "outbound", "--accept-data-loss"]).ok();
        assert!(down.ends_with(&format!("\nwent back over outbound {last}\n")), "{down}");
    }
    let down = place.seawall(&["migrate", "down", "store"]).ok();
    assert!(down.ends_with("\nwent back over store 5 (idempotency)\n"), "{down}");
    // How far each destination of checkpoints is.
    let lossy = place.seawall(&["migrate", "down", "store"]).refused(69);
    assert!(lossy.contains("loses the rows of the table audit_deliveries"), "{lossy}");
    let down = place.seawall(&["migrate", "down", "store", "--accept-data-loss"]).ok();
    assert!(down.ends_with("\nwent back over store 4 (audit deliveries)\n"), "{down}");
    for last in ["3 (meta)", "2 (outbox)"] {
        let down = place.seawall(&["migrate", "down", "store"]).ok();
        let (copied, went_back) = down.split_once('\n').unwrap();
        assert!(copied.starts_with("copied to ") && copied.contains("seawall.db-before-migration-"), "{down}");
        assert_eq!(went_back, format!("went back over store {last}\n"));
    }
    let lossy = place.seawall(&["migrate", "down", "store"]).refused(69);
    assert!(lossy.contains("loses the rows of the table") && lossy.contains("--accept-data-loss"), "{lossy}");
    let down = place.seawall(&["migrate", "down", "store", "--accept-data-loss"]).ok();
    assert!(down.ends_with("\nwent back over store 1 (audit log)\n"), "{down}");
    let none = place.seawall(&["migrate", "down", "store"]).refused(69);
    assert!(none.contains("no migration of store is applied"), "{none}");
    let store = applied(&seawall_store::LEDGER).into_iter().map(|last| format!("applied store {last}\n"));
    let identity = applied(&seawall_identity::LEDGER).into_iter().map(|last| format!("applied identity {last}\n"));
    let outbound = applied(&seawall_outbound::LEDGER).into_iter().map(|last| format!("applied outbound {last}\n"));
    assert_eq!(place.seawall(&["migrate", "up"]).ok(), store.chain(identity).chain(outbound).collect::<String>());
    assert_eq!(place.seawall(&["migrate", "up"]).ok(), "nothing was pending\n");
    let (_upstream, _server) = serve(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_is_one_line_of_the_log_and_each_change_of_it_another() {
    let line = |server: &Server, text: &str| -> Value { serde_json::from_str(&server.logged_line(text)).unwrap() };
    let (made, migrated) = ("the store was made", "the store was migrated");
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    let all = [&seawall_store::LEDGER, &seawall_identity::LEDGER, &seawall_outbound::LEDGER];
    let all: usize = all.iter().map(|ledger| ledger.migrations.len()).sum();
    assert_eq!(line(&server, made)["migrations"], all);
    assert!(!server.child.to_string().contains(migrated), "{}", server.child);
    assert_eq!(server.terminate(), Some(0));

    place.seawall(&["migrate", "down", "outbound", "--accept-data-loss"]).ok();
    let (_upstream, server) = serve(&place).await;
    assert_eq!(line(&server, migrated)["migration.ledger"], "outbound");
    assert!(!server.child.to_string().contains(made), "{}", server.child);
}

/// The migrations of a ledger, as they are told of: `2 (api keys)`.
fn applied(ledger: &Ledger) -> Vec<String> {
    let named = ledger.migrations.iter().enumerate();
    named.map(|(before, migration)| format!("{} ({})", before + 1, migration.name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_7_with_manual_migrations_the_server_waits_for_them() {
    let place = Place::with_config("[store]\nmigrate = \"manual\"\n");
    let said =
        place.seawall(&["run", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(69), "{said:?}");
    let pending = [&seawall_store::LEDGER, &seawall_identity::LEDGER, &seawall_outbound::LEDGER];
    let pending: usize = pending.iter().map(|ledger| ledger.migrations.len()).sum();
    let told = format!("{pending} migrations of the store are pending");
    assert!(said.err.contains(&told) && said.err.contains("seawall migrate up"), "{said:?}");
    place.seawall(&["migrate", "up"]).ok();
    let (_upstream, _server) = serve(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_program_or_none_at_all_is_refused_and_left_alone() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    let path = place.path().join(".seawall/seawall.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("INSERT INTO seawall_migrations VALUES ('store', 99, 'from the future', 'x', 1)")
        .unwrap();
    let run = ["run", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let said = place.seawall(&run);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(
        said.err.contains("store 99 (from the future)") && said.err.contains("older than the one that made it"),
        "{said:?}"
    );

    fs::write(&path, "no database at all, but quite a lot of text in its place".repeat(100)).unwrap();
    let said = place.seawall(&run);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(said.err.contains("cannot be opened") && said.err.contains("not a database"), "{said:?}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("no database at all"), "it is left as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_belongs_to_one_server() {
    let (one, other) = (Place::new(), Place::new());
    let url = format!("sqlite://{}", one.path().join("shared.db").display());
    let config = format!("[store]\nurl = \"{url}\"\n");
    fs::write(one.path().join("seawall.toml"), &config).unwrap();
    fs::write(other.path().join("seawall.toml"), &config).unwrap();
    let (_upstream, _server) = serve(&one).await;
    let said =
        other.seawall(&["run", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(said.err.contains("in use by another process") && said.err.contains("--take-over"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_admin_interface_follow_one_another() {
    let place = Place::new();
    for _ in 0..3 {
        let (_upstream, mut server) = serve(&place).await;
        assert_eq!(server.terminate(), Some(0));
    }
    let (_upstream, server) = serve(&place).await;
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap();
    let ask = async |path: String| {
        let request =
            seawall_testkit::client::Request::get(&path).header("Authorization", format!("Bearer {}", token.trim()));
        server.admin_client().request(request).await
    };
    let first = ask("/api/audit-log?limit=3&action=server.started".to_owned()).await.expect_status(200).json();
    assert_eq!(first["data"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    let second =
        ask(format!("/api/audit-log?limit=3&action=server.started&after={next}")).await.expect_status(200).json();
    let seqs =
        second["data"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(seqs, [4]);
    // A cursor holds for the question it came from.
    ask(format!("/api/audit-log?after={next}")).await.expect_status(400);
    ask("/api/audit-log?limit=0".to_owned()).await.expect_status(400);
    ask("/api/audit-log?from=yesterday".to_owned()).await.expect_status(400);
    server.admin_client().get("/api/audit-log").await.expect_status(401);
    let store = ask("/api/store".to_owned()).await.expect_status(200).json();
    assert_eq!((&store["audit_log"]["entries"], &store["outbox"]["dead"]), (&4.into(), &0.into()), "{store}");
    assert_eq!(
        (&store["messages"]["carrier"], &store["messages"]["connected"]),
        (&Value::Null, &true.into()),
        "{store}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_moves_to_another_file_when_no_server_has_it() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    let from = "sqlite://.seawall/seawall.db";
    let busy = place.seawall(&["db", "move", from, "sqlite://new.db"]).refused(69);
    assert!(busy.contains("in use by another process"), "{busy}");
    assert_eq!(server.terminate(), Some(0));

    let said = place.with_file("to", "sqlite://new.db\n");
    let place = said;
    let moved = place.seawall(&["db", "move", from, "@to"]).ok();
    assert!(moved.contains("audit_log ") && moved.contains("equal"), "{moved}");
    fs::write(place.path().join("seawall.toml"), "[store]\nurl = \"sqlite://new.db\"\n").unwrap();
    let (code, report) = verify(&place);
    assert_eq!((code, &report["entries"]), (Some(0), &1.into()), "{report}");
    let (_upstream, _server) = serve(&place).await;
    assert_eq!(actions(&place), ["server.started", "server.started"]);

    let nothing = place.seawall(&["db", "move", "sqlite://nowhere.db", "sqlite://other.db"]).refused(69);
    assert!(nothing.contains("there is no database at sqlite://"), "{nothing}");
    let wrong = place.seawall(&["db", "move", "mysql://x:s3cret@y/z", "sqlite://other.db"]).refused(64);
    assert!(wrong.contains("expected sqlite://PATH or postgres://") && !wrong.contains("s3cret"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_change_is_in_the_audit_log_with_the_values_before_and_after() {
    let place = Place::with_config("[log]\nlevel = \"info\"\n");
    let (_upstream, _server) = serve(&place).await;
    fs::write(place.path().join("seawall.toml"), "[log]\nlevel = \"warn\"\n").unwrap();
    place.seawall(&["reload"]).ok();
    // It changes nothing, so there is nothing to record.
    place.seawall(&["reload"]).ok();
    let lines = place.seawall(&["audit-log", "export", "--action", "configuration.reloaded"]).ok();
    let [entry] = &lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    let entry: Value = serde_json::from_str(entry).unwrap();
    assert_eq!((&entry["actor"]["kind"], &entry["object"]["id"]), (&"operator".into(), &"admin".into()), "{entry}");
    assert_eq!(
        (&entry["before"]["log.level"], &entry["after"]["log.level"]),
        (&"\"info\"".into(), &"\"warn\"".into()),
        "{entry}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_of_a_key_that_was_replaced_count_when_it_is_named() {
    let place = Place::new();
    let (_upstream, mut server) = serve(&place).await;
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).unwrap();
    let request =
        seawall_testkit::client::Request::get("/api/store").header("Authorization", format!("Bearer {}", token.trim()));
    let store = server.admin_client().request(request).await.expect_status(200).json();
    let old = store["audit_log"]["key"].as_str().unwrap().to_owned();
    assert_eq!(server.terminate(), Some(0));
    fs::remove_file(place.path().join(".seawall/audit.key")).unwrap();
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    let (code, report) = verify(&place);
    assert_eq!((code, &report["findings"][0]["kind"]), (Some(1), &"unsigned".into()), "{report}");
    fs::write(place.path().join("seawall.toml"), format!("[audit_log]\ntrusted_keys = [\"{old}\"]\n")).unwrap();
    let (code, report) = verify(&place);
    assert_eq!((code, &report["checkpoints"]["covered"]), (Some(0), &2.into()), "{report}");
}
