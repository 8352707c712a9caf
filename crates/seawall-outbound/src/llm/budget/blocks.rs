//! Blocks in the database: charged, marked and given back.

use seawall_store::{StoreError, Tx};

use super::{
    Claim, PotKey,
    pot::{Filling, Need},
};
use crate::llm::{alert, money::Money};

/// A block is this part of an amount, as long as so many blocks are left; then each call is charged by itself.
const BLOCKS: u64 = 64;
const FEW_BLOCKS: u64 = 8;

/// A mark is moved by this part of a block, or by so many calls like the one that moves it: what a crash leaves charged although nobody spent
/// it, and how many calls there are for one write.
const STEPS: u64 = 8;
const CALLS: u64 = 4;

/// What came of filling.
pub(super) enum Filled {
    With(Filling),
    /// So much is left of the amount, and that does not suffice.
    Spent(Money),
    /// The pot's row is gone.
    Lost,
}

/// Gives a pot what it needs.
pub(super) fn fill(tx: &mut Tx<'_>, claim: &Claim, holder: &str, need: &Need) -> Result<Filled, StoreError> {
    // A change that changes nothing keeps others from giving the row back meanwhile.
    const LOCK: &str = "UPDATE llm_blocks SET marked_nanos = marked_nanos WHERE id = $1";
    // The row may be there although nobody was told that it was written.
    const BEGIN: &str = "INSERT INTO llm_blocks (id, holder, budget, subject, period, charged_nanos, marked_nanos) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
        charged_nanos = llm_blocks.charged_nanos + excluded.charged_nanos, marked_nanos = excluded.marked_nanos";
    const ADD: &str = "UPDATE llm_blocks SET charged_nanos = charged_nanos + $2, marked_nanos = $3 WHERE id = $1";
    if need.charged > 0 && tx.execute(LOCK, &[&need.id])? == 0 {
        return Ok(Filled::Lost);
    }
    let block = match need.short {
        0 => 0,
        short => match charge(tx, claim, short)? {
            Ok(block) => block,
            Err(left) => return Ok(Filled::Spent(left)),
        },
    };
    let step = (claim.budget.amount.nanos() / BLOCKS / STEPS).max(need.amount.saturating_mul(CALLS));
    let mark = need.taken.saturating_add(need.amount).saturating_add(step).min(need.charged.saturating_add(block));
    let Claim { budget, subject, period } = claim;
    if need.charged == 0 {
        tx.execute(BEGIN, &[&need.id, &holder, &budget.name, subject, &period.name, &signed(block), &signed(mark)])?;
    } else {
        tx.execute(ADD, &[&need.id, &signed(block), &signed(mark)])?;
    }
    Ok(Filled::With(Filling { block, mark, step }))
}

/// Charges a block; answers how much, or what is left when it does not suffice.
fn charge(tx: &mut Tx<'_>, claim: &Claim, least: u64) -> Result<Result<u64, Money>, StoreError> {
    const BEGIN: &str = "INSERT INTO llm_budgets (budget, subject, period, charged_nanos, told_percent, ends_at) VALUES ($1, $2, $3, 0, 0, $4) \
        ON CONFLICT (budget, subject, period) DO NOTHING";
    // The row is locked by a change that changes nothing, so that nobody charges between reading and charging.
    const LOCK: &str =
        "UPDATE llm_budgets SET charged_nanos = charged_nanos WHERE budget = $1 AND subject = $2 AND period = $3";
    const LOOK: &str =
        "SELECT charged_nanos, told_percent FROM llm_budgets WHERE budget = $1 AND subject = $2 AND period = $3";
    const CHARGE: &str = "UPDATE llm_budgets SET charged_nanos = $4, told_percent = $5 WHERE budget = $1 AND subject = $2 AND period = $3";
    let Claim { budget, subject, period } = claim;
    let (name, amount) = (&budget.name, budget.amount.nanos());
    tx.execute(BEGIN, &[name, subject, &period.name, &period.ends_at_us])?;
    tx.execute(LOCK, &[name, subject, &period.name])?;
    let (charged, told) = tx.one::<(i64, i64)>(LOOK, &[name, subject, &period.name])?;
    let charged = u64::try_from(charged).unwrap_or_default();
    let left = amount.saturating_sub(charged);
    if left < least {
        return Ok(Err(Money::from_nanos(left)));
    }
    let block = if left > amount / BLOCKS * FEW_BLOCKS { least.max(amount / BLOCKS).min(left) } else { least };
    let charged = charged + block;
    let reached = u128::from(charged) * 100 / u128::from(amount.max(1));
    let now_told = budget.tell_at.iter().map(|percent| i64::from(percent.0));
    let now_told = now_told.filter(|percent| u128::try_from(*percent).is_ok_and(|percent| percent <= reached)).max();
    let now_told = now_told.unwrap_or_default().max(told);
    if now_told > told {
        alert::reached(tx, claim, now_told, Money::from_nanos(charged))?;
    }
    tx.execute(CHARGE, &[name, subject, &period.name, &signed(charged), &now_told])?;
    Ok(Ok(block))
}

/// Writes down where marks are; answers for each whether its row is there.
pub(super) fn mark(tx: &mut Tx<'_>, marks: &[(String, u64)]) -> Result<Vec<bool>, StoreError> {
    const MARK: &str = "UPDATE llm_blocks SET marked_nanos = $2 WHERE id = $1";
    marks.iter().map(|(id, mark)| Ok(tx.execute(MARK, &[id, &signed(*mark)])? > 0)).collect()
}

/// Gives back what was charged for a pot and not taken from it, or charges what is owed, unless another has done so already.
pub(super) fn give_back(tx: &mut Tx<'_>, key: &PotKey, id: &str, taken: u64) -> Result<(), StoreError> {
    const END: &str = "DELETE FROM llm_blocks WHERE id = $1 RETURNING charged_nanos";
    match tx.find::<(i64,)>(END, &[&id])? {
        Some((charged,)) => refund(tx, key, charged.saturating_sub(signed(taken))),
        None => Ok(()),
    }
}

/// What was charged and will not be spent; below zero, what was spent and not charged.
pub(super) fn refund(tx: &mut Tx<'_>, key: &PotKey, nanos: i64) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE llm_budgets SET charged_nanos = charged_nanos - $4 WHERE budget = $1 AND subject = $2 AND period = $3";
    if nanos == 0 {
        return Ok(());
    }
    tx.execute(SQL, &[&key.budget, &key.subject, &key.period, &nanos]).map(drop)
}

fn signed(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
