//! Backups: taken by the server, listed, verified, and restored when everything is lost.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use jiff::Timestamp;
use seawall_testkit::upstream::{Kind, Upstream};
use serde_json::Value;

use super::binary::{Place, Server};

const CONFIG: &str = "[backup]\nto = \"backups\"\n";

async fn serve(place: &Place) -> (Upstream, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server)
}

/// A server that ran until its first backup was taken.
async fn served_once(place: &Place) {
    let (_upstream, mut server) = serve(place).await;
    server.logged("a backup was taken");
    assert_eq!(server.terminate(), Some(0));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn entries(database: &Path) -> i64 {
    let database = rusqlite::Connection::open(database).unwrap();
    database.query_row("SELECT count(*) FROM audit_log WHERE action = 'server.started'", [], |row| row.get(0)).unwrap()
}

/// The machine's store is lost.
fn lose(place: &Place) {
    for file in ["seawall.db", "seawall.db-wal", "seawall.db-shm"] {
        let _none = fs::remove_file(place.path().join(".seawall").join(file));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_1_backups_are_taken_at_the_start_and_proven_by_restoring_them() {
    let place = Place::with_config(CONFIG);
    let (_upstream, server) = serve(&place).await;
    server.logged("a backup was taken");
    for key in ["backup.key", "audit.key"] {
        let mode = fs::metadata(place.path().join(".seawall").join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{key}");
    }
    let listed = json(&place.seawall(&["backup", "list", "--json"]).ok());
    let [store] = listed["data"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&store["name"], &store["encrypted"]), (&"seawall".into(), &true.into()), "{listed}");
    let first = store["backups"][0]["id"].as_str().unwrap().to_owned();

    let found = json(&place.seawall(&["backup", "verify", "--json"]).ok());
    let found = &found["data"][0];
    assert_eq!((&found["outcome"], &found["backup"]), (&"ok".into(), &first.as_str().into()), "{found}");
    assert!(found["rpo_ms"].as_u64().is_some_and(|rpo| rpo < 60_000) && found["rto_ms"].is_u64(), "{found}");
    assert!(place.seawall(&["backup", "now", "seawall"]).ok().starts_with("taken  seawall  "));
    let listed = place.seawall(&["backup", "list"]).ok();
    let line = |id: &str| listed.lines().find(|line| line.contains(id)).unwrap_or_default().to_owned();
    assert!(line(&first).ends_with("  verified"), "{listed}");
    assert_eq!(listed.matches("not verified").count(), 1, "{listed}");
    let told = place.seawall(&["backup", "verify", "seawall", "--backup", &first]).ok();
    assert!(told.starts_with("ok  seawall  ") && told.contains("\n  rpo ") && told.contains("\n  rto "), "{told}");

    let unknown = place.seawall(&["backup", "now", "shop"]).refused(69);
    assert!(unknown.contains("nothing with the name `shop` is backed up; there is seawall"), "{unknown}");
    let busy = place.seawall(&["restore"]).refused(69);
    assert!(busy.contains("a server runs") && busy.contains("help: stop it first"), "{busy}");
    // Beside it, what is in the backups can be looked at.
    place.seawall(&["restore", "--into", "copy.db"]).ok();
    assert_eq!(entries(&place.path().join("copy.db")), 1);
    let live = place.seawall(&["restore", "--into", ".seawall/seawall.db"]).refused(69);
    assert!(live.contains("in use by another process"), "{live}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_was_asked_to_do_counts_in_its_metrics() {
    let place = Place::with_config(CONFIG);
    let (_upstream, server) = serve(&place).await;
    server.logged("a backup was taken");
    let metrics = async || server.admin_client().get("/metrics").await.expect_status(200).text();
    let value = |text: &str, name: &str| -> i64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let taken = "seawall_backup_last_taken_timestamp_seconds{name=\"seawall\"}";
    let before = value(&metrics().await, taken);
    let mut taken_at = before;
    while taken_at == before {
        let told = json(&place.seawall(&["backup", "now", "--json"]).ok());
        let at: Timestamp = told["data"][0]["taken_at"].as_str().unwrap().parse().unwrap();
        taken_at = at.as_second();
        assert_eq!(value(&metrics().await, taken), taken_at);
    }
    let failures = "seawall_backup_failures_total{name=\"seawall\",step=\"verification\"}";
    assert_eq!(value(&metrics().await, failures), 0);
    for object in fs::read_dir(place.path().join("backups/seawall/objects")).unwrap() {
        fs::remove_file(object.unwrap().path()).unwrap();
    }
    assert_eq!(place.seawall(&["backup", "verify"]).code, Some(1));
    assert!(value(&metrics().await, failures) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_14_a_lost_store_comes_back_as_it_was_when_the_server_ended_or_at_a_second() {
    let place = Place::with_config(CONFIG);
    served_once(&place).await;
    let between = Timestamp::now();
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    lose(&place);

    // What the second server wrote is in no snapshot: it was captured, and shipped at the end.
    let restored = json(&place.seawall(&["restore", "--json"]).ok());
    assert_eq!((&restored["missing"], &restored["kept"]), (&Value::Null, &Value::Null), "{restored}");
    assert!(restored["commits"].as_u64().is_some_and(|commits| commits > 0), "{restored}");
    assert_eq!(entries(&place.path().join(".seawall/seawall.db")), 2);
    place.seawall(&["audit-log", "verify"]).ok();

    let earlier = place.seawall(&["restore", "--at", &between.to_string()]).ok();
    assert!(
        earlier.starts_with("restored  seawall into ") && earlier.contains("everybody signs in again"),
        "{earlier}"
    );
    let kept = earlier.lines().find_map(|line| line.strip_prefix("  kept     ")).expect("the file of before is kept");
    let (kept, _) = kept.split_once(": ").unwrap();
    assert_eq!(entries(&place.path().join(".seawall/seawall.db")), 1);
    assert_eq!(entries(Path::new(kept)), 2);

    let never = place.seawall(&["restore", "--at", "2020-01-01T00:00:00Z"]).refused(69);
    assert!(never.contains("2020-01-01T00:00:00Z cannot be restored: the oldest backup is of"), "{never}");
    let unknown = place.seawall(&["restore", "--backup", "20200101T000000.000000Z-000000000000"]).refused(69);
    assert!(unknown.contains("there is no backup of seawall"), "{unknown}");
    let (_upstream, _server) = serve(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_of_no_use_to_whoever_has_other_keys() {
    let (place, other) = (Place::with_config(CONFIG), Place::with_config(CONFIG));
    served_once(&place).await;
    served_once(&other).await;
    let key = |place: &Place, name: &str| place.path().join(".seawall").join(name);
    let own = fs::read(key(&place, "backup.key")).unwrap();
    fs::copy(key(&other, "backup.key"), key(&place, "backup.key")).unwrap();
    let said = place.seawall(&["restore"]).refused(69);
    assert!(said.contains("nothing was restored: ") && said.contains("encrypted for other keys"), "{said}");
    let said = place.seawall(&["backup", "verify"]);
    assert!(said.code == Some(69) && said.out.starts_with("inconclusive  seawall"), "{said:?}");
    assert_eq!(entries(&place.path().join(".seawall/seawall.db")), 1, "the store is as it was");

    fs::write(key(&place, "backup.key"), own).unwrap();
    fs::rename(key(&place, "audit.key"), key(&place, "audit.key.own")).unwrap();
    let said = place.seawall(&["backup", "list"]).refused(69);
    assert!(said.contains("without it or its public half in `trusted_keys` none is trusted"), "{said}");
    assert!(!key(&place, "audit.key").exists(), "none is made that would hide that it is missing");
    fs::copy(key(&other, "audit.key"), key(&place, "audit.key")).unwrap();
    let said = place.seawall(&["restore"]).refused(69);
    assert!(said.contains("not signed by a key that is trusted here"), "{said}");
    assert_eq!(place.seawall(&["backup", "verify"]).code, Some(1));
}

#[test]
fn what_the_application_has_is_backed_up_without_a_server() {
    let config =
        format!("{CONFIG}[backup.orders]\nurl = \"sqlite://orders.db\"\n[backup.uploads]\nurl = \"uploads\"\n");
    let place = Place::with_config(&config).with_file("uploads/one.txt", "one");
    let orders = place.path().join("orders.db");
    let database = rusqlite::Connection::open(&orders).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1), (2)",
        )
        .unwrap();
    // It is in use.
    place.seawall(&["backup", "now", "orders"]).ok();
    drop(database);
    place.seawall(&["backup", "now", "uploads"]).ok();
    for name in ["orders", "uploads"] {
        assert!(place.seawall(&["backup", "verify", name]).ok().starts_with(&format!("ok  {name}  ")));
    }

    fs::write(&orders, "scribbled over").unwrap();
    let restored = place.seawall(&["restore", "orders"]).ok();
    assert!(restored.contains("orders.db-before-restore-"), "{restored}");
    let count =
        rusqlite::Connection::open(&orders).unwrap().query_row("SELECT count(*) FROM orders", [], |row| row.get(0));
    assert_eq!(count, Ok(2_i64));

    let there = place.seawall(&["restore", "uploads"]).refused(69);
    assert!(there.contains("is there already") && there.contains("--into PATH"), "{there}");
    fs::remove_dir_all(place.path().join("uploads")).unwrap();
    place.seawall(&["restore", "uploads"]).ok();
    assert_eq!(fs::read_to_string(place.path().join("uploads/one.txt")).unwrap(), "one");
}

#[test]
fn without_a_place_or_with_a_wrong_one_that_is_said() {
    let place = Place::new();
    let off = place.seawall(&["restore"]).refused(69);
    assert!(off.contains("no place of backups is named") && off.contains("`to` in [backup]"), "{off}");
    let off = place.seawall(&["backup", "list"]).refused(69);
    assert!(off.contains("backups are off"), "{off}");
    for (config, why) in [
        ("[backup]\nto = \"ftp://host/x\"\n", "ftp:// is no place for backups"),
        ("[backup]\nto = \"b\"\nrecipients = [\"age1x\"]\n", "is no age recipient"),
        ("[backup.shop]\nevery = \"2h\"\n", "says no `url`"),
        ("[backup]\nevery = \"1s\"\n", "must be between 1min and 7d"),
        ("[backup]\nto = \"b\"\n[backup.seawall]\nurl = \"x\"\n", "the store's own name"),
        ("[backup]\nto = \"b\"\n[backup.Shop]\nurl = \"x\"\n", "`Shop` is no name for a backup: use a-z"),
    ] {
        for command in [&["backup", "list"][..], &["check"]] {
            let said = Place::with_config(config).seawall(command).refused(64);
            assert!(said.contains(why), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_17_a_store_is_copied_before_its_tables_change() {
    let place = Place::new();
    let copies = || {
        let names = fs::read_dir(place.path().join(".seawall")).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("seawall.db-before-migration-"));
        names.sort();
        names
    };
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(copies(), Vec::<String>::new(), "what is new holds nothing");
    let down = place.seawall(&["migrate", "down", "store", "--accept-data-loss"]).ok();
    assert!(down.starts_with("copied to ") && down.contains("went back over store "), "{down}");
    let first = copies();
    let [copy] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(entries(&place.path().join(".seawall").join(copy)), 1);
    let copied = fs::metadata(place.path().join(".seawall").join(copy)).unwrap();
    assert_eq!(copied.permissions().mode() & 0o077, 0);

    // At the start too.
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(copies().len(), 2);
    for _ in 0..2 {
        place.seawall(&["migrate", "down", "store", "--accept-data-loss"]).ok();
        place.seawall(&["migrate", "up"]).ok();
    }
    let last = copies();
    assert!(last.len() == 3 && !last.contains(copy), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_migrated_when_it_cannot_be_copied_before() {
    // A name to which no file system adds as much as the copy's has.
    let name = format!("{}.db", "s".repeat(225));
    let place = Place::with_config(&format!("[store]\nurl = \"sqlite://{name}\"\n"));
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    let before = place.seawall(&["migrate", "status", "--json"]).ok();
    let said = place.seawall(&["migrate", "down", "store"]).refused(69);
    assert!(said.contains("was not migrated, because it could not be copied before: "), "{said}");
    assert!(said.contains("File name too long") && said.contains("help: make room"), "{said}");
    assert_eq!(place.seawall(&["migrate", "status", "--json"]).ok(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_for_recipients_are_verified_on_the_machine_that_has_the_key() {
    let elsewhere = Place::with_config(CONFIG);
    served_once(&elsewhere).await;
    let key = fs::read_to_string(elsewhere.path().join(".seawall/backup.key")).unwrap();
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let place = Place::with_config(&format!("{CONFIG}recipients = [\"{recipient}\"]\n"));
    served_once(&place).await;
    assert!(!place.path().join(".seawall/backup.key").exists(), "there is no key on this machine");
    let said = place.seawall(&["backup", "verify"]);
    assert!(said.code == Some(69) && said.out.starts_with("inconclusive  seawall"), "{said:?}");

    let signer = json(&place.seawall(&["backup", "list", "--json"]).ok())["signer"].as_str().unwrap().to_owned();
    let to = place.path().join("backups");
    let config = format!("[backup]\nto = \"{}\"\ntrusted_keys = [\"{signer}\"]\n", to.display());
    fs::write(elsewhere.path().join("seawall.toml"), config).unwrap();
    assert!(elsewhere.seawall(&["backup", "verify"]).ok().starts_with("ok  seawall  "));
}
