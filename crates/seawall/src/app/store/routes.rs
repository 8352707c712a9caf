//! What operators may ask of the store, over the admin interface; and the command line of its own store, when no server runs.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{Response, StatusCode},
    response::IntoResponse,
    routing::get,
};
use seawall_store::{
    DatabaseUrl, Db, Lane, StoreError,
    audit::{self, Destination, Filter, SigningKey},
    cursor::{self, BadCursor},
    messages::Messages,
    migration,
};
use serde_json::{Value, json};

use super::{StorePlace, between, checkpoints, shown};
use crate::app::{builtin, catalogue::LEDGERS};

/// Entries on a page unless told otherwise, and at most.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1_000;

/// What the routes look at.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) db: Db,
    /// Without it, checkpoints of this installation cannot be verified.
    pub(crate) key: Option<Arc<SigningKey>>,
    pub(crate) place: Arc<StorePlace>,
    /// Where checkpoints went.
    pub(crate) destinations: Arc<[Destination]>,
    /// None without a server.
    pub(crate) messages: Option<Messages>,
}

/// The routes.
pub(crate) fn router(looked: Looked) -> Router {
    Router::new()
        .route("/api/store", get(overview))
        .route("/api/store/migrations", get(migrations))
        .route("/api/audit-log", get(page))
        .route("/api/audit-log/verify", get(verify))
        .with_state(looked)
}

/// A failure, as these routes tell it.
struct Failed(StatusCode, String);

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<BadCursor> for Failed {
    fn from(error: BadCursor) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response<Body> {
        builtin::json(self.0, &json!({ "error": self.1 }))
    }
}

async fn migrations(State(looked): State<Looked>) -> Result<Response<Body>, Failed> {
    Ok(builtin::json(StatusCode::OK, &migrations_of(&looked.db).await?))
}

async fn migrations_of(db: &Db) -> Result<Value, Failed> {
    let statuses = migration::status(db, &LEDGERS).await;
    let statuses = statuses.map_err(|error| Failed(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(statuses.iter().map(migration_json).collect())
}

async fn overview(State(looked): State<Looked>) -> Result<Response<Body>, Failed> {
    let migrations = migrations_of(&looked.db).await?;
    let (entries, unsealed, waiting, dead): (i64, i64, i64, i64) = looked
        .db
        .read::<_, StoreError>(Lane::Background, |tx| {
            tx.one(
                "SELECT (SELECT COUNT(*) FROM audit_log), (SELECT COUNT(*) FROM audit_log WHERE seq IS NULL),
                        (SELECT COUNT(*) FROM outbox WHERE NOT dead), (SELECT COUNT(*) FROM outbox WHERE dead)",
                &[],
            )
        })
        .await?;
    let standings = audit::standings(&looked.db).await?;
    let checkpoints: Vec<Value> = looked
        .destinations
        .iter()
        .map(|destination| {
            let standing = standings.iter().find(|standing| standing.destination == destination.id());
            shown::destination(destination, standing)
        })
        .collect();
    let body = json!({
        "url": looked.place.url.to_string(),
        "durability": seawall_store::DURABILITY,
        "migrations": migrations,
        "audit_log": { "entries": entries, "unsealed": unsealed, "key": looked.key.as_ref().map(|key| key.public_hex()), "checkpoints": checkpoints },
        "outbox": { "waiting": waiting, "dead": dead },
        "messages": looked.messages.as_ref().map(between::shown),
    });
    Ok(builtin::json(StatusCode::OK, &body))
}

/// A migration, as it is told.
fn migration_json(status: &migration::Status) -> Value {
    let (state, at) = match status.state {
        migration::State::Applied(at_us) => ("applied", Some(shown::time(at_us))),
        migration::State::Pending(_) => ("pending", None),
        migration::State::Changed => ("changed", None),
        migration::State::Unknown => ("unknown", None),
    };
    json!({ "ledger": status.ledger, "number": status.number, "name": status.name, "state": state, "at": at })
}

/// The question for a page of the audit log.
#[derive(Debug, Default)]
struct Question {
    filter: Filter,
    /// Everything but the place, so that a cursor holds for the same question only.
    text: String,
    cursor: Option<String>,
    limit: u32,
}

impl Question {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Failed> {
        let wrong = |what: String| Failed(StatusCode::BAD_REQUEST, what);
        let mut question = Self { limit: PAGE, ..Self::default() };
        for (name, value) in pairs {
            let filter = &mut question.filter;
            match name.as_str() {
                "after" => question.cursor = Some(value.clone()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
                    question.limit = limit.ok_or_else(|| wrong(format!("limit is 1 to {LARGEST_PAGE}")))?;
                }
                "actor" => filter.actor_id = Some(value.clone()),
                "object_kind" => filter.object_kind = Some(value.clone()),
                "object" => filter.object_id = Some(value.clone()),
                "action" => filter.action = Some(value.clone()),
                "from" => filter.from_us = instant(&value)?,
                "until" => filter.until_us = Some(instant(&value)?),
                _ => {
                    return Err(wrong(format!(
                        "`{name}` is not known; there are after, limit, actor, object_kind, object, action, from, until"
                    )));
                }
            }
            if !matches!(name.as_str(), "after" | "limit") {
                question.text.push_str(&format!("{name}={value}\n"));
            }
        }
        Ok(question)
    }
}

fn instant(text: &str) -> Result<i64, Failed> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let wrong = || Failed(StatusCode::BAD_REQUEST, format!("`{text}` is no time such as 2026-11-21T14:00:00Z"));
    parsed.map(jiff::Timestamp::as_microsecond).map_err(|_| wrong())
}

async fn page(
    State(looked): State<Looked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response<Body>, Failed> {
    let Question { filter, text, cursor, limit } = Question::read(pairs)?;
    let place = match cursor {
        Some(cursor) => {
            let [seq] = cursor::read(&text, &cursor)?;
            Some(seq.parse().map_err(|_| BadCursor)?)
        }
        None => None,
    };
    let read = move |tx: &mut seawall_store::ReadTx<'_>| {
        let records = audit::page(tx, &filter, place, limit)?;
        let last = records.last().and_then(|record| record.seq);
        let data = records.iter().map(|record| shown::entry(tx, record)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>((data, last))
    };
    let (data, last) = looked.db.read(Lane::Replica, read).await?;
    // The last place is told of a short page too, so that whoever follows the log can go on from there.
    let next = last.map(|seq| cursor::write(&text, &[&seq.to_string()]));
    Ok(builtin::json(StatusCode::OK, &json!({ "data": data, "next": next })))
}

async fn verify(State(looked): State<Looked>) -> Result<Response<Body>, Failed> {
    let held = checkpoints::held(&looked.destinations).await.map_err(|fault| {
        let why = fault.chain();
        Failed(StatusCode::SERVICE_UNAVAILABLE, format!("the checkpoints outside the database cannot be read: {why}"))
    })?;
    let own = looked.key.iter().map(|key| key.public().to_vec());
    let others = looked.place.audit.trusted_keys.iter().map(|key| key.bytes().to_vec());
    let keys: Vec<Vec<u8>> = own.chain(others).collect();
    let report = audit::verify(&looked.db, &keys, &held.checkpoints).await?;
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({ "kind": finding.kind.name(), "from": finding.from, "to": finding.to, "text": finding.to_string() })
        })
        .collect();
    // SQLite seals with each commit, so that an entry without a place came past the store.
    let all_sealed = report.unsealed == 0 || matches!(looked.place.url, DatabaseUrl::Postgres(_));
    let body = json!({
        "intact": findings.is_empty() && held.unreadable == 0 && all_sealed,
        "entries": report.entries,
        "head": report.head,
        "unsealed": report.unsealed,
        "checkpoints": { "fitting": report.checkpoints, "covered": report.covered, "unreadable": held.unreadable },
        "findings": findings,
    });
    Ok(builtin::json(StatusCode::OK, &body))
}
