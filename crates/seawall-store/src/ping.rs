//! Whether a database answers, such as the application's own.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::{DatabaseUrl, postgres};

/// Connects to a database that need not be ours, and has it answer within a time. Nothing is changed, and a file is not made.
///
/// # Errors
/// Why it did not, in words without a password.
pub async fn ping(url: &DatabaseUrl, limit: Duration) -> Result<(), String> {
    let answered = async {
        match url {
            DatabaseUrl::Postgres(url) => postgres::ping(url).await,
            DatabaseUrl::Sqlite(path) => {
                let path = path.clone();
                let looked = tokio::task::spawn_blocking(move || look(&path, limit)).await;
                looked.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
            }
        }
    };
    let late = || format!("no answer within {} ms", limit.as_millis());
    tokio::time::timeout(limit, answered).await.map_err(|_| late())?
}

/// Reads from the file itself; `SELECT 1` alone would be answered without it.
fn look(path: &Path, limit: Duration) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limit)?;
    connection.query_row("SELECT 1 FROM (SELECT count(*) FROM sqlite_schema)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test]
    async fn a_file_answers_when_it_is_a_database() {
        let directory = tempfile::tempdir().unwrap();
        let (path, none) = (directory.path().join("shop.db"), directory.path().join("none.db"));
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
        assert_eq!(ping(&DatabaseUrl::Sqlite(path.clone()), LIMIT).await, Ok(()));
        assert!(ping(&DatabaseUrl::Sqlite(none.clone()), LIMIT).await.is_err());
        assert!(!none.exists(), "it is not made");
        std::fs::write(&path, "no database at all").unwrap();
        assert!(ping(&DatabaseUrl::Sqlite(path), LIMIT).await.unwrap_err().contains("not a database"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_or_says_nothing_is_told_without_the_password() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let url = DatabaseUrl::parse(&format!("postgres://app:s3cret@127.0.0.1:{port}/shop?sslmode=disable")).unwrap();
        let late = ping(&url, Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(late, "no answer within 50 ms");
        drop(silent);
        let gone = ping(&url, LIMIT).await.unwrap_err();
        assert!(gone.contains("refused") && !gone.contains("s3cret"), "{gone}");
    }
}
