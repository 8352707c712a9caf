//! Entries of the audit log, and where its checkpoints went, as JSON.

use seawall_store::{
    ReadTx, StoreError,
    audit::{self, Destination, Record, Standing},
};
use serde_json::{Map, Value, json};

/// An entry as people and programs read it, with the personal values that have not been erased.
pub(super) fn entry(tx: &mut ReadTx<'_>, record: &Record) -> Result<Value, StoreError> {
    let personal = audit::personal_values(tx, &record.id)?;
    let value_of = |field: &str| personal.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
    Ok(json!({
        "id": record.id,
        "seq": record.seq,
        "at": time(record.at_us),
        "actor": { "kind": record.actor_kind, "id": record.actor_id },
        "address": value_of("address").or(record.address.as_deref()),
        "request_id": record.request_id,
        "action": record.action,
        "object": { "kind": record.object_kind, "id": record.object_id },
        "outcome": record.outcome,
        "before": record.before.as_deref().map(|text| values(text, "before", &value_of)),
        "after": record.after.as_deref().map(|text| values(text, "after", &value_of)),
        "hash": record.hash.as_deref().map(hex),
    }))
}

/// The values before or after, with personal ones in the place of their hashes.
fn values<'a>(text: &str, side: &str, value_of: &impl Fn(&str) -> Option<&'a str>) -> Value {
    let recorded: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let shown = recorded.into_iter().map(|(name, value)| {
        let clear = value_of(&format!("{side}.{name}")).and_then(|text| serde_json::from_str(text).ok());
        (name, clear.unwrap_or(value))
    });
    Value::Object(shown.collect())
}

/// A destination of checkpoints; nothing is known of one that nothing was delivered to yet.
pub(super) fn destination(destination: &Destination, standing: Option<&Standing>) -> Value {
    json!({
        "destination": destination.kind(),
        "to": destination.to_string(),
        "delivered": standing.map(|standing| standing.delivered_seq),
        "delivered_at": standing.and_then(|standing| standing.delivered_at_us).map(time),
        "waiting": standing.map(|standing| standing.waiting),
        "failures": standing.map(|standing| standing.failures),
        "failure": standing.and_then(|standing| standing.failure.as_deref()),
    })
}

/// A time as RFC 3339 has it, in UTC, to the microsecond.
pub(crate) fn time(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).map(|time| time.to_string()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
