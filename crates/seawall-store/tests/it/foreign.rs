//! Databases that are not ours: read in pages, never written, and clear about what is not there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use seawall_store::{
    DatabaseUrl,
    foreign::{ForeignError, ForeignKey, ForeignSource, ForeignValue, Select},
};
use tempfile::TempDir;

use crate::support::server::Server;

const TABLES: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, hash BLOB, active BOOLEAN);
    INSERT INTO users VALUES (1, 'ann', NULL, 1), (2, 'bob', x'ff00', 0), (7, 'cid', NULL, NULL);
    CREATE VIEW people AS SELECT id, name FROM users;
    CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b));
    CREATE TABLE doubles (n INTEGER); INSERT INTO doubles VALUES (1), (1), (NULL);";

struct File {
    _directory: TempDir,
    path: PathBuf,
}

fn file(mode: &str) -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("application's data?.db");
    let connection = Connection::open(&path).unwrap();
    let _mode: String = connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0)).unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection.close().unwrap();
    File { _directory: directory, path }
}

fn table(name: &str) -> Select {
    Select::Table(name.to_owned())
}

async fn open(path: &Path, select: &Select) -> Result<ForeignSource, ForeignError> {
    ForeignSource::open(&DatabaseUrl::Sqlite(path.to_owned()), select).await
}

async fn names(source: &mut ForeignSource) -> Vec<String> {
    source.choose(&["name"], None).await.unwrap();
    let mut names = Vec::new();
    let mut after: Option<ForeignKey> = None;
    loop {
        let page = source.page(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { return names };
        after = Some(last.key.clone());
        names.extend(page.iter().map(|row| row.values[0].text().unwrap().unwrap()));
    }
}

fn beside(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_foreign_sqlite_file_is_read_in_pages_and_never_written() {
    for mode in ["DELETE", "WAL"] {
        let file = file(mode);
        let (before, files) = (fs::read(&file.path).unwrap(), beside(&file.path));
        let mut source = open(&file.path, &table("users")).await.unwrap();
        assert_eq!(names(&mut source).await, ["ann", "bob", "cid"], "{mode}");
        source.choose(&["hash", "active"], None).await.unwrap();
        let row = source.row(&ForeignKey::Integer(2)).await.unwrap().unwrap();
        assert_eq!(row.values, [ForeignValue::Bytes(vec![0xff, 0]), ForeignValue::Integer(0)]);
        assert_eq!(source.count().await.unwrap(), 3);
        assert_eq!(beside(&file.path), files, "no file while it is open ({mode})");
        drop(source);
        assert_eq!(fs::read(&file.path).unwrap(), before, "{mode}");
        assert_eq!(beside(&file.path), files, "{mode}");
    }
}

#[tokio::test]
async fn a_file_that_an_application_has_open_is_read_with_what_is_in_its_log() {
    let file = file("WAL");
    let application = Connection::open(&file.path).unwrap();
    application.execute("INSERT INTO users (id, name) VALUES (9, 'dan')", []).unwrap();
    let mut source = open(&file.path, &table("users")).await.unwrap();
    assert_eq!(names(&mut source).await, ["ann", "bob", "cid", "dan"]);
    drop(application);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_taken_for_unchangeable_is_given_up() {
    let file = file("WAL");
    let mut source = open(&file.path, &table("users")).await.unwrap();
    source.choose(&["name"], None).await.unwrap();
    source.page(None, 1).await.unwrap();
    let application = Connection::open(&file.path).unwrap();
    application.execute("DELETE FROM users WHERE id = 1", []).unwrap();
    assert!(matches!(source.page(None, 1).await, Err(ForeignError::Changed(_))));
}

#[tokio::test]
async fn changes_that_only_the_application_can_bring_in_are_not_left_out() {
    let file = file("WAL");
    let application = Connection::open(&file.path).unwrap();
    application.execute("DELETE FROM users WHERE id = 1", []).unwrap();
    let copy = file.path.with_file_name("copy.db");
    fs::copy(&file.path, &copy).unwrap();
    fs::copy(format!("{}-wal", file.path.display()), format!("{}-wal", copy.display())).unwrap();
    let refused = open(&copy, &table("users")).await.unwrap_err();
    assert!(
        matches!(&refused, ForeignError::Unfinished { .. }) && refused.to_string().contains("sqlite3"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let file = file("DELETE");
    let why = async |select: &Select| open(&file.path, select).await.unwrap_err().to_string();
    let said = why(&table("user")).await;
    assert!(said.contains("no table or view `user`") && said.contains("doubles, pairs, people, users"), "{said}");
    for injected in ["users; DROP TABLE users", "users\" --", "users WHERE 1", "(SELECT 1)", "main.users"] {
        assert!(why(&table(injected)).await.contains("no table or view"), "{injected}");
    }
    for select in ["DELETE FROM users", "SELECT 1) AS x; DROP TABLE users; --", "SELECT", "PRAGMA journal_mode = WAL"] {
        let said = open(&file.path, &Select::Query(select.to_owned())).await;
        assert!(matches!(said, Err(ForeignError::NotASelect(_))), "{select}: {said:?}");
    }
    let mut source = open(&file.path, &table("users")).await.unwrap();
    let said = source.choose(&["nmae"], None).await.unwrap_err().to_string();
    assert!(said.contains("did you mean `name`?"), "{said}");
    let said = source.choose(&["created_at"], None).await.unwrap_err().to_string();
    assert!(said.contains("there are: id, name, hash, active"), "{said}");
    assert!(matches!(open(Path::new("/nowhere.db"), &table("users")).await, Err(ForeignError::NoFile(_))));
}

#[tokio::test]
async fn a_key_that_would_lose_rows_is_refused() {
    let file = file("DELETE");
    let mut view = open(&file.path, &table("people")).await.unwrap();
    assert!(matches!(view.choose(&["name"], None).await, Err(ForeignError::NoKey(_))));
    view.choose(&["name"], Some("id")).await.unwrap();
    assert_eq!(view.page(None, 10).await.unwrap().len(), 3);
    let select = Select::Query("SELECT n FROM doubles -- all of them".to_owned());
    let mut source = open(&file.path, &select).await.unwrap();
    let said = source.choose(&[], Some("n")).await.unwrap_err().to_string();
    assert!(said.contains("NULL in some rows"), "{said}");
    let mut source = open(&file.path, &Select::Query("SELECT n FROM doubles WHERE n > 0;".to_owned())).await.unwrap();
    source.choose(&[], Some("n")).await.unwrap();
    let said = source.page(None, 1).await.unwrap_err().to_string();
    assert!(said.contains("one value twice"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_postgresql_is_read_in_pages_and_never_written() {
    let server = Server::start();
    let url = DatabaseUrl::parse(&server.url()).unwrap();
    let (client, driver) =
        tokio_postgres::connect(&server.tcp_url("seawall", ""), tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    let tables = "CREATE SCHEMA old; CREATE TYPE old.mood AS ENUM ('sad', 'glad');
        CREATE TABLE old.users (id uuid PRIMARY KEY, name varchar(40), mood old.mood, roles text[], hash bytea, active boolean, age int2);
        INSERT INTO old.users SELECT CAST(lpad(n::text, 32, '0') AS uuid), 'user ' || n, 'glad', '{a,b}', '\\x00ff', n % 2 = 0, n FROM generate_series(1, 5) n;
        CREATE VIEW people AS SELECT name, age FROM old.users; CREATE SEQUENCE touched";
    client.batch_execute(tables).await.unwrap();
    let mut source = ForeignSource::open(&url, &table("old.users")).await.unwrap();
    assert_eq!(source.own_key(), Some("id"));
    source.choose(&["name", "mood", "roles", "hash", "active", "age"], None).await.unwrap();
    assert_eq!(source.count().await.unwrap(), 5);
    let first = source.page(None, 3).await.unwrap();
    let rest = source.page(Some(&first[2].key), 3).await.unwrap();
    assert_eq!((first.len(), rest.len()), (3, 2));
    let text = |text: &str| ForeignValue::Text(text.to_owned());
    let bytes = ForeignValue::Bytes(vec![0, 255]);
    assert_eq!(
        rest[1].values,
        [text("user 5"), text("glad"), text("{a,b}"), bytes, ForeignValue::Bool(false), ForeignValue::Integer(5)]
    );
    assert_eq!(source.row(&rest[1].key).await.unwrap().unwrap(), rest[1]);
    let mut view = ForeignSource::open(&url, &table("people")).await.unwrap();
    view.choose(&["name"], Some("age")).await.unwrap();
    assert_eq!(view.page(Some(&ForeignKey::Integer(4)), 9).await.unwrap().len(), 1);
    for injected in ["old.users; DROP TABLE old.users", "users\" --", "pg_catalog.pg_authid"] {
        let refused = ForeignSource::open(&url, &table(injected)).await.unwrap_err().to_string();
        assert!(refused.contains("no table or view") && refused.contains("people"), "{injected}: {refused}");
    }
    let touching = Select::Query("SELECT nextval('touched') AS n".to_owned());
    let mut source = ForeignSource::open(&url, &touching).await.unwrap();
    let refused = match source.choose(&["n"], Some("n")).await {
        Ok(()) => source.page(None, 1).await.unwrap_err(),
        Err(refused) => refused,
    };
    assert!(format!("{refused:?}").contains("read-only"), "{refused:?}");
    let deleting = Select::Query("DELETE FROM old.users RETURNING id".to_owned());
    assert!(matches!(ForeignSource::open(&url, &deleting).await, Err(ForeignError::NotASelect(_))));
    drop(client);
    driver.abort();
}
