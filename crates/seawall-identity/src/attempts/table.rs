//! The table of attempts. One is counted before its password is looked at, so that many at once do not all come first.

use seawall_store::{StoreError, Tx};

use super::key::Counted;

/// Attempts that are heard before a pause (NIST SP 800-63B-4 permits up to 100).
const HEARD: i64 = 5;

/// How long attempts are counted together, and how long the pause is.
const PAUSE_US: i64 = 15 * 60 * 1_000_000;

/// What a count came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It is heard; when it fails too, the next are not.
    Heard {
        /// Whether it is the last one.
        last: bool,
    },
    /// It is not heard, nor any other for so many seconds.
    Paused {
        /// Seconds.
        retry_after: u64,
    },
}

/// Counts an attempt.
pub(crate) fn count(tx: &mut Tx<'_>, key: &Counted) -> Result<Attempt, StoreError> {
    let now = tx.at_us();
    // The pause begins with the last attempt that is heard; later ones do not make it longer.
    let (attempts, ends_at): (i64, i64) = tx.one(
        "INSERT INTO sign_in_attempts (attempt_key, attempts, ends_at) VALUES ($1, 1, $3)
         ON CONFLICT (attempt_key) DO UPDATE SET
             attempts = CASE WHEN sign_in_attempts.ends_at <= $2 THEN 1 ELSE sign_in_attempts.attempts + 1 END,
             ends_at = CASE WHEN sign_in_attempts.ends_at <= $2 OR sign_in_attempts.attempts + 1 <= $4 THEN $3
                            ELSE sign_in_attempts.ends_at END
         RETURNING attempts, ends_at",
        &[key, &now, &now.saturating_add(PAUSE_US), &HEARD],
    )?;
    if attempts <= HEARD {
        return Ok(Attempt::Heard { last: attempts == HEARD });
    }
    let left_us = u64::try_from(ends_at.saturating_sub(now)).unwrap_or_default();
    Ok(Attempt::Paused { retry_after: left_us.div_ceil(1_000_000).max(1) })
}

/// Forgets attempts, because the right password came.
pub(crate) fn clear(tx: &mut Tx<'_>, key: &Counted) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_attempts WHERE attempt_key = $1", &[key]).map(drop)
}
