//! The audit log: what is recorded, and that no tampering with it goes unseen.

use std::sync::Arc;

use rusqlite::Connection;
use seawall_store::{
    Actor, Cause, Db, Lane, StoreError,
    audit::{self, Checkpoint, Entry, Filter, Record, SigningKey, Tampering},
};
use serde_json::{Map, Value, json};

use crate::scratch::Scratch;

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
}

/// A log of thirty entries with a checkpoint after the twentieth and after the last, which is what the outside has seen.
struct Log {
    scratch: Scratch,
    key: Arc<SigningKey>,
    outside: Vec<Checkpoint>,
}

impl Log {
    async fn new() -> Self {
        let scratch = Scratch::new();
        let key = Arc::new(SigningKey::open(&scratch.path().join("audit.key")).unwrap());
        let db = scratch.store().await;
        let mut outside = Vec::new();
        for number in 1..=ENTRIES {
            rename(&db, number).await;
            if number == 20 || number == ENTRIES {
                outside.push(audit::sign_head(&db, &key).await.unwrap().unwrap());
            }
        }
        db.close();
        Self { scratch, key, outside }
    }

    /// What somebody does who has the file and knows the format.
    fn tamper(&self, statements: &str) {
        let connection = Connection::open(self.scratch.database()).unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = OFF; DROP TRIGGER audit_log_sealed; DROP TRIGGER audit_log_kept;")
            .unwrap();
        connection.execute_batch(statements).unwrap();
    }

    /// What verification finds, as kind, first and last place.
    async fn findings(&self) -> Vec<(Tampering, i64, i64)> {
        let db = crate::scratch::open(&self.scratch.database());
        let report = audit::verify(&db, &[self.key.public().to_vec()], &self.outside).await.unwrap();
        report.findings.iter().map(|finding| (finding.kind, finding.from, finding.to)).collect()
    }
}

#[tokio::test]
async fn an_untouched_log_fits_its_checkpoints() {
    let log = Log::new().await;
    let db = crate::scratch::open(&log.scratch.database());
    let report = audit::verify(&db, &[log.key.public().to_vec()], &log.outside).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.unsealed, report.covered), (ENTRIES, 0, ENTRIES));
    // Both are in the database and outside.
    assert_eq!(report.checkpoints, 4);
}

#[tokio::test]
async fn an_edited_entry_is_located() {
    let log = Log::new().await;
    log.tamper("UPDATE audit_log SET actor_id = 'usr_other' WHERE seq = 7");
    assert_eq!(log.findings().await, [(Tampering::Edited, 7, 7)]);
}

#[tokio::test]
async fn an_inserted_entry_is_located() {
    let log = Log::new().await;
    log.tamper(
        "UPDATE audit_log SET seq = -seq WHERE seq >= 12;
         UPDATE audit_log SET seq = 1 - seq WHERE seq < 0;
         INSERT INTO audit_log (id, seq, at, actor_kind, action, object_kind, object_id, outcome, hash)
         VALUES ('forged', 12, 1, 'user', 'user.renamed', 'user', 'usr_9', 'done', zeroblob(32));",
    );
    assert_eq!(log.findings().await, [(Tampering::Inserted, 12, 12)]);
}

#[tokio::test]
async fn a_deleted_entry_is_located() {
    let log = Log::new().await;
    log.tamper("DELETE FROM audit_personal; DELETE FROM audit_log WHERE seq BETWEEN 9 AND 10");
    assert_eq!(log.findings().await, [(Tampering::Deleted, 9, 10)]);
}

#[tokio::test]
async fn a_cut_end_is_located() {
    let log = Log::new().await;
    log.tamper(
        "DELETE FROM audit_personal; DELETE FROM audit_log WHERE seq > 25; DELETE FROM audit_checkpoints WHERE seq > 25",
    );
    assert_eq!(log.findings().await, [(Tampering::Cut, 26, ENTRIES)]);
}

#[tokio::test]
async fn a_chain_computed_anew_is_located() {
    let log = Log::new().await;
    // The log is written once more with another entry 22, its own way, and put in place of the first.
    let other = Scratch::new();
    let db = other.store().await;
    for number in 1..=ENTRIES {
        rename(&db, if number == 22 { 999 } else { number }).await;
    }
    db.close();
    // The entries up to 20 are the first log's; what follows is chained on them anew.
    log.tamper("DELETE FROM audit_personal; DELETE FROM audit_log WHERE seq > 20; DELETE FROM audit_checkpoints WHERE seq > 20");
    log.tamper_with_triggers_gone();
    let db = crate::scratch::open(&log.scratch.database());
    for number in 21..=ENTRIES {
        rename(&db, if number == 22 { 999 } else { number }).await;
    }
    db.close();
    assert_eq!(log.findings().await, [(Tampering::Rewritten, 21, ENTRIES)]);
}

impl Log {
    /// The tables' own guards are back, as whoever covers their traces would leave them.
    fn tamper_with_triggers_gone(&self) {
        let connection = Connection::open(self.scratch.database()).unwrap();
        let count: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 0);
    }
}

#[tokio::test]
async fn a_forged_checkpoint_and_a_changed_personal_value_are_seen() {
    let log = Log::new().await;
    log.tamper(
        "UPDATE audit_checkpoints SET signature = zeroblob(64) WHERE seq = 20;
         UPDATE audit_personal SET value = '\"nobody\"' WHERE field = 'after.name'
           AND entry_id = (SELECT id FROM audit_log WHERE seq = 3);",
    );
    assert_eq!(log.findings().await, [(Tampering::Personal, 3, 3), (Tampering::Unsigned, 20, 20)]);
}

#[tokio::test]
async fn the_table_itself_refuses_changes() {
    let scratch = Scratch::new();
    let db = scratch.store().await;
    rename(&db, 1).await;
    for sql in ["UPDATE audit_log SET action = 'x'", "UPDATE audit_log SET seq = 9", "DELETE FROM audit_log"] {
        let refused = db.write(&cause(), move |tx| tx.execute(sql, &[])).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{sql}: {refused:?}");
    }
}

#[tokio::test]
async fn erasing_a_person_leaves_the_chain_whole() {
    let log = Log::new().await;
    let db = crate::scratch::open(&log.scratch.database());
    let erased = audit::erase(&db, &cause(), "usr_5").await.unwrap();
    assert_eq!(erased, 2, "the name before and after");
    let held: Vec<(String,)> = db
        .read(Lane::Interactive, |tx| {
            tx.all("SELECT value FROM audit_personal WHERE value LIKE '%w 5\"' ESCAPE '\\'", &[])
        })
        .await
        .unwrap();
    assert_eq!(held, []);
    db.close();
    assert_eq!(log.findings().await, []);
}

#[tokio::test]
async fn an_entry_tells_who_what_and_where_from() {
    let scratch = Scratch::new();
    let db = scratch.store().await;
    rename(&db, 1).await;
    let records: Vec<Record> =
        db.read(Lane::Interactive, |tx| audit::page(tx, &Filter::default(), None, 10)).await.unwrap();
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&*record.actor_kind, record.actor_id.as_deref()), ("user", Some("usr_admin")));
    assert_eq!((&*record.action, &*record.object_kind, &*record.object_id), ("user.renamed", "user", "usr_1"));
    assert_eq!((record.request_id.as_deref(), &*record.outcome, record.seq), (Some("req-1"), "done", Some(1)));
    let shown = format!("{record:?}");
    assert!(
        !shown.contains("192.0.2.7") && !shown.contains("old 1"),
        "personal values stand beside the chain: {shown}"
    );
}

#[tokio::test]
async fn a_change_that_is_not_kept_leaves_no_entry() {
    let scratch = Scratch::new();
    let db = scratch.store().await;
    let undone: Result<(), StoreError> = db
        .write(&cause(), |tx| {
            tx.audit(Entry::new("user.renamed", "user", "usr_1"))?;
            Err(StoreError::NoRow)
        })
        .await;
    assert_eq!(undone, Err(StoreError::NoRow));
    rename(&db, 2).await;
    let records: Vec<Record> =
        db.read(Lane::Interactive, |tx| audit::page(tx, &Filter::default(), None, 10)).await.unwrap();
    assert_eq!(records.len(), 1);
}
