//! The table of attempts. One is counted before its password is looked at, so that many at once do not all come first.

use seawall_store::{StoreError, Tx};

use super::key::Counted;

/// How many attempts are heard before a pause, how long they are counted together, and how long the pause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) heard: i64,
    pub(crate) pause_us: i64,
}

const QUARTER_US: i64 = 15 * 60 * 1_000_000;

/// At one name from one source (NIST SP 800-63B-4 permits up to 100).
pub(crate) const OWN: Allowance = Allowance { heard: 5, pause_us: QUARTER_US };

/// Codes of second factors, of one user.
pub(crate) const CODES: Allowance = Allowance { heard: 10, pause_us: QUARTER_US };

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
pub(crate) fn count(tx: &mut Tx<'_>, key: &Counted, allowance: Allowance) -> Result<Attempt, StoreError> {
    let now = tx.at_us();
    // The pause begins with the last attempt that is heard; later ones do not make it longer.
    let (attempts, ends_at): (i64, i64) = tx.one(
        "INSERT INTO sign_in_attempts (attempt_key, attempts, ends_at) VALUES ($1, 1, $3)
         ON CONFLICT (attempt_key) DO UPDATE SET
             attempts = CASE WHEN sign_in_attempts.ends_at <= $2 THEN 1 ELSE sign_in_attempts.attempts + 1 END,
             ends_at = CASE WHEN sign_in_attempts.ends_at <= $2 OR sign_in_attempts.attempts + 1 <= $4 THEN $3
                            ELSE sign_in_attempts.ends_at END
         RETURNING attempts, ends_at",
        &[key, &now, &now.saturating_add(allowance.pause_us), &allowance.heard],
    )?;
    if attempts <= allowance.heard {
        return Ok(Attempt::Heard { last: attempts == allowance.heard });
    }
    Ok(Attempt::Paused { retry_after: seconds_until(ends_at, now) })
}

/// For how many seconds no attempt is heard any more; nothing when the next one is. Counts none.
pub(super) fn paused(tx: &mut Tx<'_>, key: &Counted, allowance: Allowance) -> Result<Option<u64>, StoreError> {
    let now = tx.at_us();
    let sql = "SELECT ends_at FROM sign_in_attempts WHERE attempt_key = $1 AND attempts >= $2 AND ends_at > $3";
    let found: Option<(i64,)> = tx.find(sql, &[key, &allowance.heard, &now])?;
    Ok(found.map(|(ends_at,)| seconds_until(ends_at, now)))
}

/// Takes back one of those that were counted.
pub(crate) fn take_back(tx: &mut Tx<'_>, key: &Counted) -> Result<(), StoreError> {
    let sql = "UPDATE sign_in_attempts SET attempts = attempts - 1 WHERE attempt_key = $1 AND attempts > 0";
    tx.execute(sql, &[key]).map(drop)
}

/// Whole seconds, so that whoever comes after them is heard.
pub(super) fn seconds_until(at_us: i64, now_us: i64) -> u64 {
    u64::try_from(at_us.saturating_sub(now_us)).unwrap_or_default().div_ceil(1_000_000).max(1)
}

/// Forgets attempts, because the right password came.
pub(crate) fn clear(tx: &mut Tx<'_>, key: &Counted) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_attempts WHERE attempt_key = $1", &[key]).map(drop)
}
