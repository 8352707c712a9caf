//! All that a database holds: its tables as text, and the bytes of its files.

use std::{fs, path::Path, process::Command};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::{
    identity::everything::{Engine, Everything},
    postgres::{self, Server},
};

/// What is held, by where it is.
pub(super) fn of(all: &Everything) -> Vec<(String, Vec<u8>)> {
    match &all.engine {
        Engine::Sqlite => sqlite(&all.place.app.data().join("seawall.db")),
        Engine::Postgres(server) => postgresql(server),
    }
}

fn sqlite(path: &Path) -> Vec<(String, Vec<u8>)> {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut tables = store.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 20, "{tables:?}");
    let mut text = Vec::new();
    for table in tables {
        let mut all = store.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text.extend_from_slice(bytes),
                    ValueRef::Integer(number) => text.extend_from_slice(number.to_string().as_bytes()),
                    ValueRef::Real(number) => text.extend_from_slice(number.to_string().as_bytes()),
                    ValueRef::Null => {}
                }
                text.push(b'\n');
            }
        }
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let mut files = fs::read(path).unwrap();
    files.extend(fs::read(log).unwrap());
    vec![("the tables".to_owned(), text), ("the file and its log".to_owned(), files)]
}

/// What `pg_dump` writes; and the files of tables and the log of writes, which hold what was deleted too.
fn postgresql(server: &Server) -> Vec<(String, Vec<u8>)> {
    let dumped = Command::new(postgres::programs().join("pg_dump")).arg("--dbname").arg(server.url()).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let url = server.url();
    let directory = url.split("host=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let mut files = Vec::new();
    for folder in ["base", "pg_wal"] {
        read_all(&Path::new(directory).join("data").join(folder), &mut files);
    }
    vec![("pg_dump".to_owned(), dumped.stdout), ("the files of the cluster".to_owned(), files)]
}

fn read_all(folder: &Path, bytes: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            read_all(&entry.path(), bytes);
        } else {
            // A file may go while it is looked for.
            bytes.extend(fs::read(entry.path()).unwrap_or_default());
        }
    }
}
