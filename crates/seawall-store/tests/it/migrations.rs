//! Migrations on both engines.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use seawall_store::{
    Lane, Options, StoreError,
    migration::{DataLoss, Ledger, Migration, MigrationError, Overlap, State, down, status, up},
};

use crate::support::{CAUSE, Ground, Store, on_both, open};

const BOOKS: Migration = Migration {
    name: "books",
    overlap: Overlap::Expands,
    up: "
CREATE TABLE books (
    id TEXT NOT NULL, -- no TEXT of the book
    at BIGINT NOT NULL DEFAULT 0,
    lent BOOLEAN NOT NULL DEFAULT FALSE,
    hash BLOB,
    weight DOUBLE,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX books_at ON books (at, id) WHERE lent;
",
    down: "DROP TABLE books;",
};

const SHELVES: Migration = Migration {
    name: "shelves",
    overlap: Overlap::Expands,
    up: "
ALTER TABLE books ADD COLUMN shelf TEXT;
CREATE INDEX books_shelf ON books (shelf);
",
    down: "DROP INDEX books_shelf; ALTER TABLE books DROP COLUMN shelf;",
};

static FIRST: Ledger = Ledger { name: "library", migrations: &[BOOKS] };
static BOTH: Ledger = Ledger { name: "library", migrations: &[BOOKS, SHELVES] };
static CHANGED: Ledger =
    Ledger { name: "library", migrations: &[Migration { up: "CREATE TABLE books (id TEXT);", ..BOOKS }] };
static BROKEN: Ledger = Ledger {
    name: "library",
    migrations: &[BOOKS, Migration { up: "CREATE TABLE pages (id TEXT);\nDROP TABLE nowhere;", ..SHELVES }],
};

async fn all_up(store: &Store, ledger: &'static Ledger) -> Result<Vec<u32>, MigrationError> {
    let mut done = Vec::new();
    up(&store.db, &[ledger], |status| done.push(status.number)).await.map(|()| done)
}

/// All that the engine knows of the schema.
async fn schema(store: &Store) -> Vec<(String, String, String)> {
    let sql = match store.ground {
        Ground::Sqlite { .. } => "SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1, 2",
        Ground::Postgres(_) => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), concat_ws(' ', data_type, is_nullable, column_default, collation_name)
               FROM information_schema.columns WHERE table_schema = 'public'
             UNION ALL SELECT CAST(tablename AS TEXT), CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname = 'public'
             ORDER BY 1, 2, 3"
        }
    };
    let rows: Result<_, StoreError> = store.db.read(Lane::Interactive, move |tx| tx.all(sql, &[])).await;
    rows.unwrap()
}

#[tokio::test]
async fn they_are_applied_once_and_in_order() {
    on_both(async |store| {
        assert_eq!(all_up(store, &BOTH).await.unwrap(), [1, 2], "{}", store.name());
        assert!(all_up(store, &BOTH).await.unwrap().is_empty());
        let states = status(&store.db, &[&BOTH]).await.unwrap();
        assert!(states.iter().all(|status| matches!(status.state, State::Applied(at) if at > 1_700_000_000_000_000)));
        // The types of the columns are those of the store.
        let sql = "INSERT INTO books (id, at, lent, hash, weight, shelf) VALUES ($1, $2, $3, $4, $5, $6)";
        let written = store
            .db
            .write(&CAUSE, move |tx| tx.execute(sql, &[&"a", &i64::MAX, &true, &[1_u8, 2], &0.5, &None::<String>]))
            .await;
        assert_eq!(written, Ok::<_, StoreError>(1), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn up_down_up_gives_the_same_schema() {
    on_both(async |store| {
        all_up(store, &FIRST).await.unwrap();
        let first = schema(store).await;
        all_up(store, &BOTH).await.unwrap();
        let both = schema(store).await;
        assert_ne!(first, both);
        for _ in 0..2 {
            let reverted = down(&store.db, &[&BOTH], "library", DataLoss::Accepted).await.unwrap();
            assert_eq!(reverted.number, 2);
            assert_eq!(schema(store).await, first, "{}", store.name());
            assert_eq!(all_up(store, &BOTH).await.unwrap(), [2]);
            assert_eq!(schema(store).await, both, "{}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_changed_or_is_newer_is_refused() {
    on_both(async |store| {
        all_up(store, &BOTH).await.unwrap();
        let newer = all_up(store, &FIRST).await;
        assert!(matches!(newer, Err(MigrationError::Newer { number: 2, .. })), "{newer:?}");
        let refused = down(&store.db, &[&FIRST], "library", DataLoss::Accepted).await;
        assert!(matches!(refused, Err(MigrationError::Newer { .. })), "{refused:?}");
        down(&store.db, &[&BOTH], "library", DataLoss::Accepted).await.unwrap();
        let changed = all_up(store, &CHANGED).await;
        assert!(matches!(changed, Err(MigrationError::Changed { number: 1, .. })), "{changed:?}");
    })
    .await;
}

#[tokio::test]
async fn going_back_loses_nothing_unasked() {
    on_both(async |store| {
        all_up(store, &BOTH).await.unwrap();
        let columns = down(&store.db, &[&BOTH], "library", DataLoss::Refused).await;
        assert!(matches!(columns, Err(MigrationError::LosesData { number: 2, .. })), "{columns:?}");
        down(&store.db, &[&BOTH], "library", DataLoss::Accepted).await.unwrap();
        let insert = "INSERT INTO books (id) VALUES ('a')";
        store.db.write(&CAUSE, move |tx| tx.execute(insert, &[])).await.unwrap();
        let rows = down(&store.db, &[&FIRST], "library", DataLoss::Refused).await;
        assert!(matches!(rows, Err(MigrationError::LosesData { number: 1, .. })), "{rows:?}");
        store.db.write(&CAUSE, move |tx| tx.execute("DELETE FROM books", &[])).await.unwrap();
        down(&store.db, &[&FIRST], "library", DataLoss::Refused).await.unwrap();
        let nothing = down(&store.db, &[&FIRST], "library", DataLoss::Refused).await;
        assert!(matches!(nothing, Err(MigrationError::NothingApplied(_))), "{nothing:?}");
    })
    .await;
}

#[tokio::test]
async fn a_failed_one_leaves_nothing() {
    on_both(async |store| {
        all_up(store, &FIRST).await.unwrap();
        let before = schema(store).await;
        let failed = all_up(store, &BROKEN).await;
        assert!(matches!(failed, Err(MigrationError::Failed { number: 2, .. })), "{}: {failed:?}", store.name());
        assert_eq!(schema(store).await, before, "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn several_migrators_apply_each_once() {
    let store = Store::postgres(&Options::default());
    let applied = Arc::new(AtomicUsize::new(0));
    let migrators: Vec<_> = (0..4)
        .map(|_| {
            let (db, applied) =
                (open(&store.url, &Options { connections: 3, ..Options::default() }).unwrap(), Arc::clone(&applied));
            tokio::spawn(async move {
                up(&db, &[&BOTH], |_| {
                    applied.fetch_add(1, Ordering::SeqCst);
                })
                .await
            })
        })
        .collect();
    for migrator in migrators {
        migrator.await.unwrap().unwrap();
    }
    assert_eq!(applied.load(Ordering::SeqCst), 2);
}
