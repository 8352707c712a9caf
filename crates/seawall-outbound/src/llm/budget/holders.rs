//! Who holds blocks, and what becomes of those whose holder is gone: what lies beyond their mark goes back.
//!
//! A holder is a process. On a database that several share, each renews a lease, and one whose lease has run out counts as gone. That may be
//! wrong, when a process or its network stood still. It does no harm: it finds its rows gone before it takes anything beyond what they said.

use std::time::Duration;

use seawall_store::{Cause, DatabaseUrl, Db, FromRow, Row, StoreError, Tx};

use super::{PotKey, blocks};
use crate::llm::money::Money;

/// How often a lease is renewed, and looked for those that have run out.
pub(super) const EACH: Duration = Duration::from_secs(10);

/// How long one lasts.
const LEASE_US: i64 = 45_000_000;

/// Holders that are looked at, and rows that are given back, in one transaction.
const MOST_HOLDERS: i64 = 64;
const MOST_ROWS: i64 = 256;

const CAUSE: Cause = Cause::system("llm-budget");

/// A block whose holder is gone.
struct Left {
    key: PotKey,
    charged: i64,
    marked: i64,
}

impl FromRow for Left {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let key = PotKey { budget: row.at(0)?, subject: row.at(1)?, period: row.at(2)? };
        Ok(Self { key, charged: row.at(3)?, marked: row.at(4)? })
    }
}

/// Renews this holder's lease, and gives back what those had left who are gone; answers how much that is.
pub(super) async fn look(db: &Db, holder: &str) -> Result<Money, StoreError> {
    let own = holder.to_owned();
    // Nobody else has a file while this process has it.
    let shared = matches!(db.url(), DatabaseUrl::Postgres(_));
    let look = move |tx: &mut Tx<'_>| {
        let now = tx.engine_now_us()?;
        if shared {
            renew(tx, &own, now)?;
        }
        gone(tx, &own, now)
    };
    let mut sum = Money::default();
    for (holder,) in db.write(&CAUSE, look).await? {
        loop {
            let holder = holder.clone();
            let (given, more) = db.write(&CAUSE, move |tx| take_back(tx, &holder)).await?;
            sum = sum.plus(given);
            if !more {
                break;
            }
        }
    }
    Ok(sum)
}

/// This holder holds nothing more.
pub(super) async fn leave(db: &Db, holder: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM llm_holders WHERE id = $1";
    let holder = holder.to_owned();
    db.write(&CAUSE, move |tx| tx.execute(SQL, &[&holder]).map(drop)).await
}

fn renew(tx: &mut Tx<'_>, holder: &str, now: i64) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO llm_holders (id, leased_until) VALUES ($1, $2) \
        ON CONFLICT (id) DO UPDATE SET leased_until = excluded.leased_until";
    tx.execute(SQL, &[&holder, &now.saturating_add(LEASE_US)]).map(drop)
}

/// Who has blocks and no lease.
fn gone(tx: &mut Tx<'_>, own: &str, now: i64) -> Result<Vec<(String,)>, StoreError> {
    const SQL: &str = "SELECT DISTINCT holder FROM llm_blocks WHERE holder <> $1 \
        AND NOT EXISTS (SELECT 1 FROM llm_holders WHERE llm_holders.id = llm_blocks.holder AND leased_until >= $2) LIMIT $3";
    tx.all(SQL, &[&own, &now, &MOST_HOLDERS])
}

/// Gives back some of what a holder had left; answers how much, and whether there may be more.
fn take_back(tx: &mut Tx<'_>, holder: &str) -> Result<(Money, bool), StoreError> {
    // So that it cannot renew its lease meanwhile.
    const LOCK: &str = "UPDATE llm_holders SET leased_until = leased_until WHERE id = $1";
    const ALIVE: &str = "SELECT leased_until FROM llm_holders WHERE id = $1 AND leased_until >= $2";
    const TAKE: &str = "DELETE FROM llm_blocks WHERE id IN (SELECT id FROM llm_blocks WHERE holder = $1 ORDER BY id LIMIT $2) \
        RETURNING budget, subject, period, charged_nanos, marked_nanos";
    const END: &str = "DELETE FROM llm_holders WHERE id = $1";
    tx.execute(LOCK, &[&holder])?;
    let now = tx.engine_now_us()?;
    if tx.find::<(i64,)>(ALIVE, &[&holder, &now])?.is_some() {
        return Ok((Money::default(), false));
    }
    let mut left: Vec<Left> = tx.all(TAKE, &[&holder, &MOST_ROWS])?;
    // In one order, so that two who give back do not wait for one another.
    left.sort_by(|one, other| one.key.cmp(&other.key));
    let mut sum = Money::default();
    for Left { key, charged, marked } in &left {
        let nanos = charged.saturating_sub(*marked);
        blocks::refund(tx, key, nanos)?;
        sum = sum.plus(Money::from_nanos(u64::try_from(nanos).unwrap_or_default()));
    }
    let more = i64::try_from(left.len()).is_ok_and(|rows| rows >= MOST_ROWS);
    if !more {
        tx.execute(END, &[&holder])?;
    }
    Ok((sum, more))
}
