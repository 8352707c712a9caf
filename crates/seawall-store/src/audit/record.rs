//! Entries as they are read back.

use crate::{FromRow, ReadTx, Row, StoreError};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id, ordered by time.
    pub id: String,
    /// Its place in the chain, from 1; nothing until it is sealed.
    pub seq: Option<i64>,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: i64,
    /// Who: `user`, `key`, `device`, `operator`, `system`, `anonymous`.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: Option<String>,
    /// The hash of the client's address.
    pub address: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// What was done: `user.disabled`.
    pub action: String,
    /// To what kind of thing.
    pub object_kind: String,
    /// To which one.
    pub object_id: String,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
    /// The values that changed, before, as a JSON object.
    pub before: Option<String>,
    /// The same after.
    pub after: Option<String>,
    /// Its hash in the chain; nothing until it is sealed.
    pub hash: Option<Vec<u8>>,
}

impl FromRow for Record {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            seq: row.get("seq")?,
            at_us: row.get("at")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            address: row.get("address")?,
            request_id: row.get("request_id")?,
            action: row.get("action")?,
            object_kind: row.get("object_kind")?,
            object_id: row.get("object_id")?,
            outcome: row.get("outcome")?,
            before: row.get("before")?,
            after: row.get("after")?,
            hash: row.get("hash")?,
        })
    }
}

/// Which entries are looked for; what is left out matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Entries of this actor.
    pub actor_id: Option<String>,
    /// Entries about this kind of thing.
    pub object_kind: Option<String>,
    /// Entries about this one.
    pub object_id: Option<String>,
    /// Entries of this action.
    pub action: Option<String>,
    /// From this time on, in microseconds since 1970-01-01T00:00:00Z.
    pub from_us: i64,
    /// Before this time.
    pub until_us: Option<i64>,
}

/// Up to `limit` sealed entries that follow the place `after` in the chain, in its order; from the filter's time on without it. The
/// chain has the order of commits, so whoever goes on from the last place misses none that was committed late.
///
/// # Errors
/// [`StoreError`].
pub fn page(tx: &mut ReadTx<'_>, filter: &Filter, after: Option<i64>, limit: u32) -> Result<Vec<Record>, StoreError> {
    let after = match after {
        Some(place) => place,
        None => {
            let sql = "SELECT MIN(seq) FROM audit_log WHERE at >= $1 AND seq IS NOT NULL";
            let (first,): (Option<i64>,) = tx.one(sql, &[&filter.from_us])?;
            // Nothing is that late, so nothing follows.
            first.map_or(i64::MAX, |first| first - 1)
        }
    };
    tx.all(
        "SELECT id, seq, at, actor_kind, actor_id, address, request_id, action, object_kind, object_id, outcome, before, after, hash
         FROM audit_log
         WHERE seq > $1 AND at >= $2 AND at < $3
           AND (CAST($4 AS TEXT) IS NULL OR actor_id = $4)
           AND (CAST($5 AS TEXT) IS NULL OR object_kind = $5)
           AND (CAST($6 AS TEXT) IS NULL OR object_id = $6)
           AND (CAST($7 AS TEXT) IS NULL OR action = $7)
         ORDER BY seq LIMIT $8",
        &[
            &after,
            &filter.from_us,
            &filter.until_us.unwrap_or(i64::MAX),
            &filter.actor_id,
            &filter.object_kind,
            &filter.object_id,
            &filter.action,
            &limit,
        ],
    )
}

/// The personal values of an entry that have not been erased: `address`, `before.NAME`, `after.NAME`, the last two as JSON.
///
/// # Errors
/// [`StoreError`].
pub fn personal_values(tx: &mut ReadTx<'_>, entry_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    tx.all("SELECT field, value FROM audit_personal WHERE entry_id = $1 ORDER BY field", &[&entry_id])
}
