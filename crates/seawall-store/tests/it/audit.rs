//! The audit log: what is recorded, and that no tampering with it goes unseen.

use std::sync::Arc;

use seawall_store::{
    Actor, Cause, Db, Lane, Options, StoreError,
    audit::{self, Checkpoint, Entry, Filter, Record, Report, SigningKey, Tampering},
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{Ground, Store, on_both};

const ENTRIES: i64 = 30;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn cause() -> Cause {
    Cause::request(Actor::User("usr_admin".into()), "192.0.2.7".parse().ok(), "req-1")
}

async fn rename(db: &Db, number: i64) {
    let entry = Entry::new("user.renamed", "user", format!("usr_{number}"))
        .changed(map(json!({"name": format!("old {number}")})), map(json!({"name": format!("new {number}")})))
        .personal(format!("usr_{number}"), &["name"]);
    db.write(&cause(), move |tx| tx.audit(entry.clone())).await.unwrap();
    // SQLite has sealed it with the commit.
    audit::seal_waiting(db).await.unwrap();
}

async fn page(db: &Db) -> Vec<Record> {
    db.read::<_, StoreError>(Lane::Interactive, |tx| audit::page(tx, &Filter::default(), None, 100)).await.unwrap()
}

/// A log of thirty entries with a checkpoint after the twentieth and after the last, which is what the outside has seen.
struct Log {
    store: Store,
    db: Db,
    _directory: TempDir,
    key: Arc<SigningKey>,
    outside: Vec<Checkpoint>,
}

impl Log {
    async fn new(store: Store) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = Arc::new(SigningKey::open(&directory.path().join("audit.key")).unwrap());
        let db = store.with_tables().await;
        let mut outside = Vec::new();
        for number in 1..=ENTRIES {
            rename(&db, number).await;
            if number == 20 || number == ENTRIES {
                outside.push(audit::sign_head(&db, &key).await.unwrap().unwrap());
            }
        }
        Self { store, db, _directory: directory, key, outside }
    }

    /// What somebody does who owns the database and knows the format.
    async fn tamper(&self, statements: &'static [&'static str]) {
        let free: &'static [&'static str] = match self.store.ground {
            Ground::Sqlite { .. } => {
                &["DROP TRIGGER IF EXISTS audit_log_sealed", "DROP TRIGGER IF EXISTS audit_log_kept"]
            }
            Ground::Postgres(_) => &["SET LOCAL session_replication_role = replica"],
        };
        let all = free.iter().chain(statements).copied().collect::<Vec<_>>();
        let done: Result<(), StoreError> = self
            .db
            .write(&Cause::operator(), move |tx| all.iter().try_for_each(|sql| tx.execute(sql, &[]).map(drop)))
            .await;
        done.unwrap();
    }

    async fn report(&self) -> Report {
        audit::verify(&self.db, &[self.key.public().to_vec()], &self.outside).await.unwrap()
    }

    /// What verification finds, as kind, first and last place.
    async fn findings(&self) -> Vec<(Tampering, i64, i64)> {
        self.report().await.findings.iter().map(|finding| (finding.kind, finding.from, finding.to)).collect()
    }
}

/// Runs a case on a log in each engine.
async fn on_both_logs(case: impl AsyncFn(&Log)) {
    for store in [Store::sqlite(&Options::default()), Store::postgres(&Options::default())] {
        case(&Log::new(store).await).await;
    }
}

#[tokio::test]
async fn an_untouched_log_fits_its_checkpoints() {
    on_both_logs(async |log| {
        let report = log.report().await;
        assert_eq!(report.findings, []);
        assert_eq!((report.entries, report.unsealed, report.covered), (ENTRIES, 0, ENTRIES));
        // Both are in the database and outside.
        assert_eq!(report.checkpoints, 4);
    })
    .await;
}

#[tokio::test]
async fn an_edited_entry_is_located() {
    on_both_logs(async |log| {
        log.tamper(&["UPDATE audit_log SET actor_id = 'usr_other' WHERE seq = 7"]).await;
        assert_eq!(log.findings().await, [(Tampering::Edited, 7, 7)]);
    })
    .await;
}

#[tokio::test]
async fn an_inserted_entry_is_located() {
    on_both_logs(async |log| {
        log.tamper(&[
            "UPDATE audit_log SET seq = seq + 1000 WHERE seq >= 12",
            "UPDATE audit_log SET seq = seq - 999 WHERE seq > 1000",
            "INSERT INTO audit_log (id, seq, at, actor_kind, action, object_kind, object_id, outcome, hash)
             SELECT 'forged', 12, at, actor_kind, action, object_kind, object_id, outcome, hash FROM audit_log WHERE seq = 1",
        ])
        .await;
        assert_eq!(log.findings().await, [(Tampering::Inserted, 12, 12)]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_entry_is_located() {
    on_both_logs(async |log| {
        log.tamper(&["DELETE FROM audit_personal", "DELETE FROM audit_log WHERE seq BETWEEN 9 AND 10"]).await;
        assert_eq!(log.findings().await, [(Tampering::Deleted, 9, 10)]);
    })
    .await;
}

#[tokio::test]
async fn a_cut_end_is_located() {
    on_both_logs(async |log| {
        log.tamper(&[
            "DELETE FROM audit_personal",
            "DELETE FROM audit_log WHERE seq > 25",
            "DELETE FROM audit_checkpoints WHERE seq > 25",
        ])
        .await;
        assert_eq!(log.findings().await, [(Tampering::Cut, 26, ENTRIES)]);
    })
    .await;
}

#[tokio::test]
async fn a_chain_computed_anew_is_located() {
    on_both_logs(async |log| {
        // What follows entry 20 is written once more, another way, by the store itself: its chain is whole.
        log.tamper(&[
            "DELETE FROM audit_personal",
            "DELETE FROM audit_log WHERE seq > 20",
            "DELETE FROM audit_checkpoints WHERE seq > 20",
        ])
        .await;
        for number in 21..=ENTRIES {
            rename(&log.db, if number == 22 { 999 } else { number }).await;
        }
        assert_eq!(log.findings().await, [(Tampering::Rewritten, 21, ENTRIES)]);
    })
    .await;
}

#[tokio::test]
async fn a_forged_checkpoint_and_a_changed_personal_value_are_seen() {
    on_both_logs(async |log| {
        log.tamper(&[
            "UPDATE audit_checkpoints SET signature = (SELECT hash FROM audit_log WHERE seq = 1) WHERE seq = 20",
            "UPDATE audit_personal SET value = 'nobody' WHERE field = 'after.name'
             AND entry_id = (SELECT id FROM audit_log WHERE seq = 3)",
        ])
        .await;
        assert_eq!(log.findings().await, [(Tampering::Personal, 3, 3), (Tampering::Unsigned, 20, 20)]);
    })
    .await;
}

#[tokio::test]
async fn the_table_itself_refuses_changes() {
    on_both(async |store| {
        let db = store.with_tables().await;
        rename(&db, 1).await;
        for sql in ["UPDATE audit_log SET action = 'x'", "UPDATE audit_log SET seq = 9", "DELETE FROM audit_log"] {
            let refused = db.write(&cause(), move |tx| tx.execute(sql, &[])).await;
            assert!(matches!(refused, Err(StoreError::Refused(_))), "{}: {sql}: {refused:?}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn erasing_a_person_leaves_the_chain_whole() {
    on_both_logs(async |log| {
        let erased = audit::erase(&log.db, &cause(), "usr_5").await.unwrap();
        assert_eq!(erased, 2, "the name before and after");
        let left: (i64,) = log
            .db
            .read::<_, StoreError>(Lane::Interactive, |tx| {
                tx.one("SELECT COUNT(*) FROM audit_personal WHERE subject = $1", &[&"usr_5"])
            })
            .await
            .unwrap();
        assert_eq!(left, (0,));
        audit::seal_waiting(&log.db).await.unwrap();
        assert_eq!(log.findings().await, []);
    })
    .await;
}

#[tokio::test]
async fn an_entry_tells_who_what_and_where_from() {
    on_both(async |store| {
        let db = store.with_tables().await;
        rename(&db, 1).await;
        let records = page(&db).await;
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!((&*record.actor_kind, record.actor_id.as_deref()), ("user", Some("usr_admin")));
        assert_eq!((&*record.action, &*record.object_kind, &*record.object_id), ("user.renamed", "user", "usr_1"));
        assert_eq!((record.request_id.as_deref(), &*record.outcome, record.seq), (Some("req-1"), "done", Some(1)));
        let shown = format!("{record:?}");
        assert!(!shown.contains("192.0.2.7") && !shown.contains("old 1"), "personal values stand apart: {shown}");
    })
    .await;
}

#[tokio::test]
async fn a_change_that_is_not_kept_leaves_no_entry() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let undone: Result<(), StoreError> = db
            .write(&cause(), |tx| {
                tx.audit(Entry::new("user.renamed", "user", "usr_1"))?;
                Err(StoreError::NoRow)
            })
            .await;
        assert_eq!(undone, Err(StoreError::NoRow));
        rename(&db, 2).await;
        assert_eq!(page(&db).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn entries_are_sealed_while_many_write() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let writes = (0..100).map(|number| {
            let db = db.clone();
            async move {
                let entry = Entry::new("thing.made", "thing", number.to_string());
                db.write(&cause(), move |tx| tx.audit(entry.clone())).await?;
                // Whoever is just sealing keeps the others from it.
                if number % 10 == 0 { audit::seal_waiting(&db).await.map(drop) } else { Ok(()) }
            }
        });
        futures_util::future::try_join_all(writes).await.unwrap();
        audit::seal_waiting(&db).await.unwrap();
        let report = audit::verify(&db, &[], &[]).await.unwrap();
        assert_eq!((report.findings, report.entries, report.unsealed), (Vec::new(), 100, 0), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn swapped_personal_values_and_entries_before_the_first_are_seen() {
    on_both_logs(async |log| {
        log.tamper(&[
            "UPDATE audit_personal SET field = 'swap' WHERE field = 'before.name' AND entry_id = (SELECT id FROM audit_log WHERE seq = 4)",
            "UPDATE audit_personal SET field = 'before.name' WHERE field = 'after.name' AND entry_id = (SELECT id FROM audit_log WHERE seq = 4)",
            "UPDATE audit_personal SET field = 'after.name' WHERE field = 'swap'",
        ])
        .await;
        assert_eq!(log.findings().await, [(Tampering::Personal, 4, 4)]);
        // The table's own rule keeps places below the first out.
        let sql = "INSERT INTO audit_log (id, seq, at, actor_kind, action, object_kind, object_id, outcome) VALUES ('x', 0, 1, 'a', 'b', 'c', 'd', 'done')";
        let refused = log.db.write::<_, StoreError>(&cause(), move |tx| tx.execute(sql, &[])).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    })
    .await;
}
