//! Failures at one name from everywhere: attempts have to be ever further apart, and after 100 failures in a row the password alone
//! no longer serves (NIST SP 800-63B-4 section 3.2.2).
//!
//! Nothing waits here: an attempt that comes too early is refused and told when to come again. So the delay holds no memory, however
//! many come.

use seawall_store::{StoreError, Tx};

use super::key::Counted;

const SECOND_US: i64 = 1_000_000;

/// From how many failures on attempts are how far apart. Before the first, one source may use up
/// its own allowance, and another try once.
const APART: [(i64, i64); 4] = [(50, 10 * SECOND_US), (25, 5 * SECOND_US), (10, 3 * SECOND_US), (6, SECOND_US)];

/// After so many the password alone does not serve.
const MOST: i64 = 100;

/// After so long without an attempt that was heard, failures are forgotten.
const FORGOTTEN_US: i64 = 24 * 60 * 60 * SECOND_US;

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    failures: i64,
    heard_at: i64,
    ends_at: i64,
}

impl Standing {
    /// Until when no attempt is heard; nothing when the next one is.
    fn until(self, now_us: i64) -> Option<i64> {
        if self.failures >= MOST {
            return Some(self.ends_at).filter(|at| *at > now_us);
        }
        let (_, apart_us) = APART.iter().find(|(from, _)| self.failures >= *from)?;
        Some(self.heard_at.saturating_add(*apart_us)).filter(|at| *at > now_us)
    }
}

/// Reads what is known of the name, and keeps others from counting it until the transaction ends. Answers until when nothing is heard.
pub(super) fn hold(tx: &mut Tx<'_>, account: &Counted) -> Result<Option<i64>, StoreError> {
    let now = tx.at_us();
    let (failures, heard_at, ends_at): (i64, i64, i64) = tx.one(
        "INSERT INTO sign_in_accounts (account_key, failures, heard_at, ends_at) VALUES ($1, 0, 0, $3)
         ON CONFLICT (account_key) DO UPDATE SET
             failures = CASE WHEN sign_in_accounts.ends_at <= $2 THEN 0 ELSE sign_in_accounts.failures END
         RETURNING failures, heard_at, ends_at",
        &[account, &now, &now.saturating_add(FORGOTTEN_US)],
    )?;
    Ok(Standing { failures, heard_at, ends_at }.until(now))
}

/// Counts an attempt that is heard.
pub(super) fn count(tx: &mut Tx<'_>, account: &Counted) -> Result<(), StoreError> {
    let now = tx.at_us();
    let sql = "UPDATE sign_in_accounts SET failures = failures + 1, heard_at = $2, ends_at = $3 WHERE account_key = $1";
    tx.execute(sql, &[account, &now, &now.saturating_add(FORGOTTEN_US)]).map(drop)
}

/// Forgets the failures at a name.
pub(crate) fn forget(tx: &mut Tx<'_>, account: &Counted) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_accounts WHERE account_key = $1", &[account]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_put_attempts_1_3_5_and_10_s_apart_and_a_hundred_end_them() {
        let apart =
            |failures| Standing { failures, heard_at: 0, ends_at: FORGOTTEN_US }.until(0).unwrap_or(0) / SECOND_US;
        let seen: Vec<_> = [0, 5, 6, 9, 10, 24, 25, 49, 50, 99].map(apart).into();
        assert_eq!(seen, [0, 0, 1, 1, 3, 3, 5, 5, 10, 10]);
        assert_eq!(apart(100), 86_400);
        let last = Standing { failures: 100, heard_at: 0, ends_at: FORGOTTEN_US };
        assert_eq!(last.until(FORGOTTEN_US), None);
        assert_eq!(Standing { failures: 6, heard_at: 0, ends_at: 0 }.until(SECOND_US), None);
    }
}
