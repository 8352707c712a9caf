//! What is written down of a change.

use seawall_core::redact;
use serde_json::{Map, Value as Json};

use super::personal::{self, Personal};
use crate::{Actor, StoreError, Tx, id};

/// Whether what was attempted came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed and failed.
    Failed,
}

impl Outcome {
    /// As it is recorded.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One action on one object. Who, from where and in which request come from the transaction's cause.
#[derive(Clone, Debug)]
pub struct Entry {
    action: &'static str,
    object_kind: &'static str,
    object_id: String,
    outcome: Outcome,
    before: Option<Map<String, Json>>,
    after: Option<Map<String, Json>>,
    personal: &'static [&'static str],
    subject: Option<String>,
}

impl Entry {
    /// An action that came about: `user.disabled` on the `user` of this id.
    #[must_use]
    pub fn new(action: &'static str, object_kind: &'static str, object_id: impl Into<String>) -> Self {
        Self {
            action,
            object_kind,
            object_id: object_id.into(),
            outcome: Outcome::Done,
            before: None,
            after: None,
            personal: &[],
            subject: None,
        }
    }

    /// With another outcome.
    #[must_use]
    pub fn with_outcome(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }

    /// With the object's values before and after; only those that differ are recorded.
    #[must_use]
    pub fn changed(self, mut before: Map<String, Json>, mut after: Map<String, Json>) -> Self {
        before.retain(|name, value| {
            if after.get(name) == Some(value) {
                after.remove(name);
                return false;
            }
            true
        });
        Self { before: Some(before), after: Some(after), ..self }
    }

    /// With the values that the object was made with.
    #[must_use]
    pub fn made(self, after: Map<String, Json>) -> Self {
        Self { after: Some(after), ..self }
    }

    /// With the values that the object had when it was removed.
    #[must_use]
    pub fn removed(self, before: Map<String, Json>) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Says which of the values are personal, and whose they are: they can be erased later.
    #[must_use]
    pub fn personal(self, subject: impl Into<String>, fields: &'static [&'static str]) -> Self {
        Self { personal: fields, subject: Some(subject.into()), ..self }
    }
}

impl Tx<'_> {
    /// Records what this transaction does; kept if it is kept. Values of secret names are hidden.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit(&mut self, entry: Entry) -> Result<(), StoreError> {
        append(self, entry)
    }
}

fn append(tx: &mut Tx<'_>, entry: Entry) -> Result<(), StoreError> {
    let cause = tx.cause().clone();
    let id = id::new(tx.at_us())?;
    let mut erasable = Vec::new();
    let address = cause.address.map(|address| address.to_string());
    let address = match address {
        Some(address) => Some(personal::hidden(&mut erasable, "address".to_owned(), address)?),
        None => None,
    };
    let before = entry.before.map(|values| recorded(values, "before", entry.personal, &mut erasable)).transpose()?;
    let after = entry.after.map(|values| recorded(values, "after", entry.personal, &mut erasable)).transpose()?;
    tx.execute(
        "INSERT INTO audit_log (id, at, actor_kind, actor_id, address, request_id, action, object_kind, object_id, outcome, before, after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            &id,
            &tx.at_us(),
            &cause.actor.kind(),
            &cause.actor.id(),
            &address,
            &cause.request_id.as_deref(),
            &entry.action,
            &entry.object_kind,
            &entry.object_id,
            &entry.outcome.name(),
            &before,
            &after,
        ],
    )?;
    let actor = match &cause.actor {
        Actor::User(id) | Actor::Device(id) => Some(&**id),
        Actor::Key(_) | Actor::Operator | Actor::System(_) | Actor::Anonymous => None,
    };
    for Personal { field, salt, value } in &erasable {
        // The address is the actor's; all else is the object's.
        let subject = if field == "address" { actor } else { entry.subject.as_deref() };
        tx.execute(
            "INSERT INTO audit_personal (entry_id, field, subject, salt, value) VALUES ($1, $2, $3, $4, $5)",
            &[&id, field, &subject, salt, value],
        )?;
    }
    tx.audited();
    Ok(())
}

/// Values as they are recorded: secrets hidden, personal ones as hashes.
fn recorded(
    values: Map<String, Json>,
    side: &str,
    personal_names: &[&str],
    erasable: &mut Vec<Personal>,
) -> Result<String, StoreError> {
    let mut shown = Map::new();
    for (name, value) in values {
        let value = if redact::hides(&name) {
            Json::from(redact::HIDDEN)
        } else if personal_names.contains(&name.as_str()) && !value.is_null() {
            Json::from(personal::hidden(erasable, format!("{side}.{name}"), value.to_string())?)
        } else {
            without_secrets(value)
        };
        shown.insert(name, value);
    }
    Ok(Json::Object(shown).to_string())
}

/// Hides the values of secret names at any depth.
fn without_secrets(value: Json) -> Json {
    match value {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = if redact::hides(&name) { Json::from(redact::HIDDEN) } else { without_secrets(value) };
                    (name, value)
                })
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.into_iter().map(without_secrets).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Json) -> Map<String, Json> {
        match value {
            Json::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn only_what_differs_is_recorded() {
        let entry = Entry::new("user.renamed", "user", "usr_1").changed(
            map(json!({"name": "Ann", "role": "admin", "gone": 1})),
            map(json!({"name": "Anna", "role": "admin"})),
        );
        assert_eq!(entry.before, Some(map(json!({"name": "Ann", "gone": 1}))));
        assert_eq!(entry.after, Some(map(json!({"name": "Anna"}))));
    }

    #[test]
    fn secrets_are_hidden_at_any_depth_and_personal_values_hashed() {
        let mut erasable = Vec::new();
        let values =
            map(json!({"password": "hunter2", "email": "ann@example.org", "more": [{"api_key": "k", "n": 1}]}));
        let text = recorded(values, "after", &["email"], &mut erasable).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("ann@") && !text.contains("\"k\""), "{text}");
        assert!(text.contains("\"n\":1") && text.contains("sha256:"), "{text}");
        assert_eq!(erasable.len(), 1);
        assert_eq!(erasable[0].field, "after.email");
    }
}
