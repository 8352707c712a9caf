//! Retention: rows that have expired are removed in small batches, so that nobody waits for it.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    fault,
    meter::{Handle, Meter, Metric, MetricKind},
};
use tokio::{sync::watch, time};

use crate::{Cause, Db, StoreError, idempotency};

/// Rows in one transaction.
const BATCH: u32 = 200;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(60);

/// Steps at which a test has the process end: a batch is removed in a transaction that was not committed, and in one that was.
const REMOVED: &str = "retention.removed";
const FORGOTTEN: &str = "retention.forgotten";

/// What lies between two batches, so that others get their turn.
const PAUSE: Duration = Duration::from_millis(20);

static PRUNED: Metric = Metric {
    name: "seawall_store_pruned_rows",
    help: "Rows that were removed because they had expired, by what they were.",
    kind: MetricKind::Counter,
    labels: &["rule"],
};

/// All metrics of retention.
pub(crate) const METRICS: [&Metric; 1] = [&PRUNED];

/// What expires, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for metrics and the log.
    pub name: &'static str,
    /// How long rows are kept.
    pub keep: Duration,
    /// Removes rows from before `$1` (microseconds since 1970-01-01T00:00:00Z), `$2` of them at most.
    pub sql: &'static str,
}

/// What the store itself lets go of: messages that could not be delivered, a month after they were written, and idempotency keys.
pub static RULES: [Rule; 3] = [DEAD_MESSAGES, idempotency::RULES[0], idempotency::RULES[1]];

const DEAD_MESSAGES: Rule = Rule {
    name: "dead_messages",
    keep: Duration::from_secs(30 * 24 * 60 * 60),
    sql: "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE dead AND made_at < $1 ORDER BY id LIMIT $2)",
};

/// Removes what has expired until it is told to stop.
pub async fn run(db: Db, rules: Vec<Rule>, meter: Arc<dyn Meter>, mut stopping: watch::Receiver<bool>) {
    let handles: Vec<Handle> = rules.iter().map(|rule| meter.series(&PRUNED, &[rule.name])).collect();
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            () = time::sleep(EVERY) => {}
        }
        for (rule, handle) in rules.iter().zip(&handles) {
            match prune(&db, *rule, &stopping).await {
                Ok(removed) => handle.add(i64::try_from(removed).unwrap_or(i64::MAX)),
                Err(error) => {
                    let rule = rule.name;
                    tracing::warn!(rule, %error, "what has expired could not be removed; it is tried again");
                }
            }
        }
    }
}

/// Removes all that one rule names, batch by batch; answers how many rows that were. Ends early when told to stop.
///
/// # Errors
/// [`StoreError`].
pub async fn prune(db: &Db, rule: Rule, stopping: &watch::Receiver<bool>) -> Result<u64, StoreError> {
    let keep_us = i64::try_from(rule.keep.as_micros()).unwrap_or(i64::MAX);
    let mut removed = 0;
    while !*stopping.borrow() {
        let batch = db
            .write::<_, StoreError>(&Cause::system("retention"), move |tx| {
                let before = tx.at_us().saturating_sub(keep_us);
                let removed = tx.execute(rule.sql, &[&before, &BATCH])?;
                fault::point(REMOVED);
                Ok(removed)
            })
            .await?;
        fault::point(FORGOTTEN);
        removed += batch;
        if batch < u64::from(BATCH) {
            break;
        }
        time::sleep(PAUSE).await;
    }
    Ok(removed)
}
