//! Ids of the store's own rows: UUIDv7 (RFC 9562), ordered by the time they were made.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;

/// The last id's time and place within it, so that ids of one process only ever grow, even within a millisecond or when the clock
/// goes back.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Bits for the place within a millisecond: the 12 that RFC 9562 calls `rand_a` (method 1, a counter).
const COUNTER_BITS: u32 = 12;

/// A fresh id, made at this time in microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn new(at_us: i64) -> Result<String, StoreError> {
    let now = u64::try_from(at_us / 1_000).unwrap_or_default() << COUNTER_BITS;
    let step = |last: u64| Some(now.max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
    let own = now.max(last + 1);
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    let [.., high, low] = own.to_be_bytes();
    let [first, second, ..] = &mut random;
    (*first, *second) = (high & 0x0f, low);
    let id = uuid::Builder::from_unix_timestamp_millis(own >> COUNTER_BITS, &random).into_uuid();
    Ok(id.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow() {
        let mut last = String::new();
        // Times that stand still, and one that goes back.
        for at_us in [1_700_000_000_000_000; 5_000].into_iter().chain([1_600_000_000_000_000; 10]) {
            let id = new(at_us).unwrap();
            assert!(id > last, "{id} after {last}");
            last = id;
        }
    }
}
