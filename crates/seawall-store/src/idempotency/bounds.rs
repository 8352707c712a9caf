//! How much one caller may have kept, so that none fills the disk.

use seawall_core::idempotency::Caller;

use super::table::Failure;
use crate::{StoreError, Tx};

/// What is kept for one caller at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Keys.
    pub keys: u32,
    /// Bytes of answers. What is in flight is not counted, so that it may be passed by as many answers as are.
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { keys: 10_000, bytes: 256 * 1024 * 1024 }
    }
}

impl Bounds {
    /// Whether the caller's keys, with the one that was just written, are within the bounds. Looks at no more rows than may be there.
    pub(super) fn check(self, tx: &mut Tx<'_>, caller: &Caller) -> Result<(), Failure> {
        let (keys, bytes): (i64, i64) = tx
            .one(
                "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM
                 (SELECT size FROM idempotency_keys WHERE caller = $1 LIMIT $2) AS held",
                &[caller.bytes(), &(i64::from(self.keys) + 1)],
            )
            .map_err(|error: StoreError| Failure::Store(error))?;
        let over = keys > i64::from(self.keys) || u64::try_from(bytes).is_ok_and(|bytes| bytes > self.bytes);
        if over { Err(Failure::Full) } else { Ok(()) }
    }
}
