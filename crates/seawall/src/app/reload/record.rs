//! Reloads in the audit log.

use seawall_config::Change;
use seawall_store::{Cause, Db, StoreError, audit::Entry};
use serde_json::{Map, Value};

use super::{Difference, Trigger};

/// Records what a reload has changed; nothing when it changed nothing. Values of secrets are masked already.
pub(super) async fn record(db: &Db, trigger: Trigger, difference: &Difference) {
    if difference.changed.is_empty() {
        return;
    }
    let side = |value: fn(&Change) -> Option<&String>| -> Map<String, Value> {
        let pairs =
            difference.changed.iter().filter_map(|change| Some((change.key.clone(), value(change)?.clone().into())));
        pairs.collect()
    };
    let (before, after) = (side(|change| change.old.as_ref()), side(|change| change.new.as_ref()));
    let entry = Entry::new("configuration.reloaded", "configuration", trigger.word()).changed(before, after);
    let recorded: Result<(), StoreError> = db.write(&Cause::operator(), move |tx| tx.audit(entry.clone())).await;
    if let Err(error) = recorded {
        tracing::error!(%error, "the reload could not be written to the audit log");
    }
}
