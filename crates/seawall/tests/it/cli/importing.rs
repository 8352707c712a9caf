//! `seawall import`: users of other systems, alone and through a running server; crashes in the midst; and each export the guide names.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, thread::yield_now};

use rusqlite::Connection;
use seawall_testkit::upstream::{Kind, Upstream};
use serde_json::{Value, json};

use super::binary::{Place, Server};
use crate::postgres;

const CONFIGURATION: &str = "[identity]\nenabled = true\nsign_in_limits = []\n";

/// `correct horse 7`, by bcrypt with cost 4, as the formats' own fixtures have it.
fn stored(format: &str) -> (&'static str, &'static str) {
    let table = include_str!("../../../../seawall-identity/tests/fixtures/passwords.tsv");
    let rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row[0] == format && !row[2].is_empty()).expect("a fixture of the format");
    (row[2], row[3])
}

async fn serve(place: &Place) -> (Upstream, Server) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let server = place.serve(&["run", "--to", &upstream.url()]);
    (upstream, server)
}

/// A place with a store and no server.
async fn place() -> Place {
    let place = Place::with_config(CONFIGURATION);
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(server.terminate(), Some(0));
    place
}

async fn signs_in(server: &Server, name: &str, password: &str) -> u16 {
    let body = json!({ "name": name, "password": password });
    server.client().post_json("/_seawall/auth/sign-in", &body).await.status
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_csv_file_are_taken_over_and_bad_rows_are_mended_and_imported_again() {
    let (password, bcrypt) = stored("bcrypt");
    let text = format!(
        "\u{feff}id,username,email,password,is_active,role\r\n1,ann,ann@example.org,{bcrypt},1,admin\r\n2,bob,bob@,{bcrypt},1,\r\n\
         3,cid,,nonsense,1,\r\n4,\"d, an\",,plain:{password},0,\r\n5,ANN,,{bcrypt},1,\r\n"
    );
    let place = place().await.with_file("users.csv", &text);
    let tried = place.seawall(&["import", "users", "users.csv", "--dry-run"]);
    assert!(tried.code == Some(1) && tried.out.contains("nothing was written"), "{tried:?}");
    assert_eq!(place.seawall(&["user", "list"]).ok(), "");

    let said = place.seawall(&["import", "users", "users.csv", "--role", "user", "--report", "report.jsonl"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out
            .contains("name = username, password = password, email = email, roles = role, id = id, active = is_active"),
        "{said:?}"
    );
    assert!(said.out.contains("5 rows: 2 added, 0 updated, 0 there already, 3 rejected"), "{said:?}");
    assert!(said.out.contains("line 3: email: this is no e-mail address"), "{said:?}");
    assert!(said.out.contains("line 6: name: another row of this source has the same name"), "{said:?}");
    let report = fs::read_to_string(place.path().join("report.jsonl")).unwrap();
    assert!(report.lines().count() == 4 && !report.contains("nonsense") && !said.out.contains("nonsense"), "{report}");
    let rejects = place.path().join("users.rejected.csv");
    assert_eq!(fs::metadata(&rejects).unwrap().permissions().mode() & 0o077, 0, "stored passwords are in it");
    let bad = fs::read_to_string(&rejects).unwrap();
    assert_eq!(bad.lines().count(), 4, "{bad}");
    let mended = bad.replace("bob@,", "bob@example.org,").replace("nonsense", bcrypt).replace("5,ANN", "5,eve");
    let place = place.with_file("users.rejected.csv", &mended);
    assert!(place.seawall(&["import", "users", "users.rejected.csv"]).ok().contains("3 added"));
    let again = place.seawall(&["import", "users", "users.csv"]);
    assert!(again.out.contains("imported already"), "{again:?}");
    let ids = place.seawall(&["import", "ids"]).ok();
    assert_eq!(ids.lines().count(), 6, "{ids}");

    let (_upstream, mut server) = serve(&place).await;
    for name in ["ann", "bob", "cid", "eve"] {
        assert_eq!(signs_in(&server, name, password).await, 200, "{name}");
    }
    assert_eq!(signs_in(&server, "d, an", password).await, 401, "kept out there, kept out here");
    let listed = place.seawall(&["user", "list"]).ok();
    assert!(listed.contains("role admin, user"), "{listed}");
    // Through the server, and only what is there already.
    let said = place.seawall(&["import", "users", "users.csv", "--again", "--existing", "fail", "--json"]);
    assert_eq!(parsed(&said.out)["import"]["rejected"], 5, "{said:?}");
    assert_eq!(server.terminate(), Some(0));
}

/// An export as the guide shows it: what it is called, what is in it, and the options.
type Export<'a> = (&'a str, String, &'a [&'a str]);

#[tokio::test(flavor = "multi_thread")]
async fn every_export_of_the_guide_is_imported_and_its_users_sign_in() {
    let place = place().await;
    let row = |format: &str| stored(format).1;
    let firebase: Vec<&str> = row("firebase_scrypt").trim_start_matches('$').split('$').collect();
    let template = format!("${}${}${{salt}}${{password}}", firebase[0], firebase[1]);
    let firebase_options = ["--columns", "uid,email,verified,password,salt", "--format", template.as_str()];
    let digest = row("digest").rsplit(':').next().unwrap();
    let exports: [Export<'_>; 8] = [
        ("django.csv", format!("id,username,email,password,is_active\n1,django,,{},t\n", row("django_pbkdf2")), &[]),
        ("laravel.csv", format!("id,name,email,password\n1,L. Avel,laravel@example.org,{}\n", row("bcrypt")), &[]),
        (
            "express.jsonl",
            format!("{}\n", json!({ "_id": "e1", "username": "express", "passwordHash": row("bcrypt") })),
            &[],
        ),
        ("rails.csv", format!("id,email,encrypted_password\n1,rails@example.org,{}\n", row("bcrypt")), &[]),
        ("wordpress.csv", format!("ID;user_login;user_pass\n1;wordpress;{}\n", row("phpass")), &[]),
        (
            "keycloak.jsonl",
            format!("{{\"username\":\"keycloak\",\"password\":{},\"roles\":[\"user\"]}}\n", row("keycloak")),
            &[],
        ),
        ("firebase.csv", format!("u1,firebase@example.org,true,{},{}\n", firebase[3], firebase[2]), &firebase_options),
        ("digest.csv", format!("login,hash\ndigest,{}\n", quoted(digest)), &["--format", "md5"]),
    ];
    for (name, text, options) in &exports {
        fs::write(place.path().join(name), text).unwrap();
        let said = place.seawall(&[&["import", "users", name], *options].concat());
        assert_eq!(said.code, Some(0), "{name}: {said:?}");
    }
    let (_upstream, mut server) = serve(&place).await;
    for (name, format) in [
        ("django", "django_pbkdf2"),
        ("laravel@example.org", "bcrypt"),
        ("express", "bcrypt"),
        ("rails@example.org", "bcrypt"),
        ("wordpress", "phpass"),
        ("keycloak", "keycloak"),
        ("firebase@example.org", "firebase_scrypt"),
        ("digest", "digest"),
    ] {
        assert_eq!(signs_in(&server, name, stored(format).0).await, 200, "{name}");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_database_are_taken_over_and_the_database_stays_as_it_is() {
    let place = place().await;
    let path = place.path().join("old.db");
    let (password, bcrypt) = stored("bcrypt");
    let old = Connection::open(&path).unwrap();
    let tables = "PRAGMA journal_mode = WAL; CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT, hash TEXT)";
    old.execute_batch(tables).unwrap();
    let mut insert = old.prepare("INSERT INTO accounts (login, hash) VALUES ('user ' || ?1, ?2)").unwrap();
    for number in 0..1_200 {
        insert.execute((number, bcrypt)).unwrap();
    }
    drop(insert);
    old.close().unwrap();
    let (before, source) = (fs::read(&path).unwrap(), "sqlite://old.db");
    let said = place.seawall(&["import", "users", source]);
    assert!(said.code == Some(69) && said.err.contains("there are: accounts"), "{said:?}");
    let said = place.seawall(&["import", "users", source, "--table", "accounts; DROP TABLE accounts"]);
    assert!(said.code == Some(69) && said.err.contains("there are: accounts"), "{said:?}");
    let said = place.seawall(&["import", "users", source, "--table", "accounts", "--map", "name=logn"]);
    assert!(said.code == Some(64) && said.err.contains("did you mean `login`?"), "{said:?}");
    assert!(place.seawall(&["import", "users", source, "--table", "accounts"]).ok().contains("1200 added"));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!place.path().join("old.db-wal").exists() && !place.path().join("old.db-shm").exists());
    let old = Connection::open(&path).unwrap();
    old.execute("INSERT INTO accounts (login, hash) VALUES ('late', ?1)", [bcrypt]).unwrap();
    old.close().unwrap();
    assert!(place.seawall(&["import", "users", source, "--table", "accounts"]).ok().contains("1201 rows: 1201 added"));
    let select = "SELECT id + 5000 AS id, 'other ' || login AS login, hash FROM accounts WHERE id < 3";
    assert!(place.seawall(&["import", "users", source, "--select", select]).ok().contains("2 rows: 2 added"));
    let (_upstream, mut server) = serve(&place).await;
    assert_eq!(signs_in(&server, "user 777", password).await, 200);
    assert_eq!(signs_in(&server, "other user 0", password).await, 200);
    assert_eq!(server.terminate(), Some(0));
}

/// What a PostgreSQL answers, with columns divided by `|`.
fn psql(server: &postgres::Server, sql: &str) -> String {
    let mut psql = Command::new(postgres::programs().join("psql"));
    let said = psql.args(["-X", "-A", "-t", "-c", sql, "-d", &server.url()]).output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

/// How many users the store has, and rows the import has seen; nothing while it is not there yet.
fn counted(store: &Path) -> Option<(i64, i64)> {
    let store = Connection::open(store).ok()?;
    store.query_row(COUNTED, [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}

const COUNTED: &str = "SELECT (SELECT COUNT(*) FROM users), seen FROM imports";

/// The same, of a PostgreSQL.
fn counted_there(server: &postgres::Server) -> Option<(i64, i64)> {
    let said = psql(server, COUNTED);
    let (users, seen) = said.trim().split_once('|')?;
    Some((users.parse().ok()?, seen.parse().ok()?))
}

const ROWS: i64 = 8_000;

/// Kills imports in their midst, until the last one comes to its end.
fn kill_and_resume(place: &Place, counted: impl Fn() -> Option<(i64, i64)>) {
    let mut killed = 0;
    for at_least in [1_i64, 2_000, 4_000] {
        let mut child = place.start(&["import", "users", "users.csv"]);
        while counted().is_none_or(|(_, seen)| seen < at_least) {
            yield_now();
        }
        child.signal("KILL");
        child.ended();
        let (users, seen) = counted().unwrap();
        assert_eq!(users + (seen + 992) / 1_000, seen, "users and rejected rows are as many as were seen");
        killed += i64::from(seen < ROWS);
    }
    assert!(killed > 0, "every import came to its end before it was killed");
    let said = place.seawall(&["import", "users", "users.csv"]);
    assert!(said.out.contains("8000 rows: 7992 added, 0 updated, 0 there already, 8 rejected"), "{said:?}");
    assert_eq!(counted(), Some((7_992, ROWS)));
    let rejects = fs::read_to_string(place.path().join("users.rejected.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 9, "the header, and what every run refused: {rejects}");
}

fn with_many_users(place: Place) -> Place {
    let (_, bcrypt) = stored("bcrypt");
    let mut text = "username,password\n".to_owned();
    for number in 0..ROWS {
        text.push_str(&format!("user {number},{}\n", if number % 1_000 == 7 { "nonsense" } else { bcrypt }));
    }
    place.with_file("users.csv", &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_midst_of_an_import_loses_nothing_and_doubles_nothing() {
    let place = with_many_users(place().await);
    let store = place.path().join(".seawall/seawall.db");
    kill_and_resume(&place, || counted(&store));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_midst_of_an_import_into_postgresql_loses_nothing_and_doubles_nothing() {
    let server = postgres::Server::start();
    let place = Place::with_config(&format!("{CONFIGURATION}[store]\nurl = \"{}\"\n", server.url()));
    let (_upstream, mut running) = serve(&place).await;
    assert_eq!(running.terminate(), Some(0));
    let place = with_many_users(place);
    kill_and_resume(&place, || counted_there(&server));
    // Who was imported before a kill signs in, and nobody is there twice.
    let twice = "SELECT COUNT(*), COUNT(DISTINCT name_key), COUNT(DISTINCT name) FROM users";
    assert_eq!(psql(&server, twice).trim(), "7992|7992|7992");
    let (_upstream, mut running) = serve(&place).await;
    for name in ["user 1", "user 4000", "user 7999"] {
        assert_eq!(signs_in(&running, name, stored("bcrypt").0).await, 200, "{name}");
    }
    assert_eq!(running.terminate(), Some(0));
}
