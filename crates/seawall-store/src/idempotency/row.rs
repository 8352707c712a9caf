//! A row of the table, as it is found.

use seawall_core::idempotency::{Fence, Found, Life, Names, Standing};

use crate::{FromRow, Row, StoreError};

pub(super) const BEGUN: i64 = 0;
pub(super) const ABANDONED: i64 = 1;
pub(super) const COMPLETED: i64 = 2;

/// What is kept of a key.
pub(super) struct KeyRow {
    proof: [u8; 32],
    pub(super) state: i64,
    pub(super) fence: Fence,
    begun_at_us: i64,
    until_us: i64,
    expires_at_us: i64,
    pub(super) answer: Option<Vec<u8>>,
    alive_until_us: Option<i64>,
}

impl KeyRow {
    /// How it stands for a request, at a time of the store's clock.
    pub(super) fn found(&self, names: &Names, now_us: i64) -> Found {
        let standing = match self.state {
            BEGUN => Standing::Begun {
                holder_lives: self.alive_until_us.is_some_and(|until_us| now_us < until_us),
                until_us: self.until_us,
            },
            COMPLETED => Standing::Completed,
            _ => Standing::Abandoned,
        };
        Found {
            same_request: self.proof == names.proof,
            standing,
            begun_at_us: self.begun_at_us,
            expires_at_us: self.expires_at_us,
        }
    }
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            proof: row.get("proof")?,
            state: row.get("state")?,
            fence: Fence { life: Life(row.get("life")?), serial: row.get("serial")? },
            begun_at_us: row.get("begun_at")?,
            until_us: row.get("until_at")?,
            expires_at_us: row.get("expires_at")?,
            answer: row.get("answer")?,
            alive_until_us: row.get("alive_until")?,
        })
    }
}
