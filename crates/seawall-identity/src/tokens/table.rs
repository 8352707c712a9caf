//! The table of signing keys: public parts, and private ones sealed.

use seawall_store::Row as Columns;
use seawall_store::{FromRow, ReadTx, StoreError, Tx};

/// The most keys there are; a rotation beyond that is refused.
pub(crate) const MOST: usize = 32;

/// A key as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) kid: String,
    pub(crate) public: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) signs_at: i64,
}

impl FromRow for Row {
    fn from_row(row: &Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            kid: row.at(0)?,
            public: row.at(1)?,
            sealed: row.at(2)?,
            created_at: row.at(3)?,
            signs_at: row.at(4)?,
        })
    }
}

/// A key, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShown {
    /// Its name in tokens.
    pub kid: String,
    /// When it was made, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// From when on it signs.
    pub signs_at: i64,
    /// Until when it is published, when another has taken or takes its place.
    pub ends_at: Option<i64>,
    /// Whether it signs at this node.
    pub signs: bool,
}

/// All keys.
pub(crate) fn all(tx: &mut ReadTx<'_>) -> Result<Vec<Row>, StoreError> {
    tx.all("SELECT kid, public_key, sealed_key, created_at, signs_at FROM signing_keys ORDER BY signs_at, kid", &[])
}

/// Keeps another.
pub(crate) fn add(tx: &mut Tx<'_>, row: &Row) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO signing_keys (kid, public_key, sealed_key, created_at, signs_at) VALUES ($1, $2, $3, $4, $5)",
        &[&row.kid, &row.public, &row.sealed, &row.created_at, &row.signs_at],
    )
    .map(drop)
}

/// Removes one.
pub(crate) fn remove(tx: &mut Tx<'_>, kid: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM signing_keys WHERE kid = $1", &[&kid]).map(drop)
}
