//! Where reservations come from: pots in memory, filled by blocks that were charged durably.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use seawall_core::clock::Clock;
use seawall_store::{Cause, Db, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::{BudgetSettings, Period};
use crate::llm::money::Money;

/// A block is this part of an amount, as long as so many blocks are left; then each call is charged by itself.
const BLOCKS: u64 = 64;
const FEW_BLOCKS: u64 = 8;

/// How often pots that nobody used are emptied.
const SWEEP: Duration = Duration::from_secs(30);

/// One of those on whom a budget is counted, in one period.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PotKey {
    budget: String,
    subject: String,
    period: String,
}

/// What was charged and not spent yet.
#[derive(Debug, Default)]
struct Pot {
    state: Mutex<State>,
    /// Held while it is filled or emptied, so that one block is fetched for all who wait.
    filling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    left: u64,
    /// Reservations that are not settled.
    open: u32,
    /// Whether anybody came since it was looked at last.
    used: bool,
    /// It is no longer the one that is known: whoever has it asks for the other.
    closed: bool,
}

/// One budget that a call is in.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) budget: Arc<BudgetSettings>,
    pub(crate) subject: String,
    pub(crate) period: Period,
}

/// What is reserved for a call. Dropped unsettled, it is spent.
#[derive(Debug)]
pub(crate) struct Reservation {
    taken: Vec<Arc<Pot>>,
    amount: u64,
}

/// Why nothing is reserved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Spent {
    #[error("the budget \"{}\" of {} is spent", claim.budget.name, claim.budget.of.word())]
    Spent { claim: Box<Claim>, left: Money },
    #[error("budgets cannot be kept")]
    Store(#[from] StoreError),
}

/// All pots. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Treasury(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    pots: Mutex<HashMap<PotKey, Arc<Pot>>>,
}

impl Treasury {
    /// Keeps budgets in this database. Pots that nobody uses are emptied by a task of the runtime that this is called on.
    pub(crate) fn start(db: Db, clock: Arc<dyn Clock>) -> Self {
        let treasury = Self(Arc::new(Inner { db, clock, pots: Mutex::default() }));
        let weak = Arc::downgrade(&treasury.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(inner) = weak.upgrade() else { return };
                Self(inner).sweep(false).await;
            }
        });
        treasury
    }

    /// The time, for periods.
    pub(crate) fn now_us(&self) -> u64 {
        self.0.clock.now().unix_us
    }

    /// Reserves this amount in every budget, or in none.
    pub(crate) async fn reserve(&self, claims: &[Claim], amount: Money) -> Result<Reservation, Spent> {
        // Whatever happens in the middle, what was taken until then goes back.
        let mut reservation = Reservation { taken: Vec::with_capacity(claims.len()), amount: amount.nanos() };
        for claim in claims {
            match self.take(claim, amount.nanos()).await {
                Ok(pot) => reservation.taken.push(pot),
                Err(spent) => {
                    reservation.settle(Money::default());
                    return Err(spent);
                }
            }
        }
        Ok(reservation)
    }

    /// Gives back what is left in all pots. Call it before the database is closed.
    pub(crate) async fn close(&self) {
        self.sweep(true).await;
    }

    async fn take(&self, claim: &Claim, amount: u64) -> Result<Arc<Pot>, Spent> {
        loop {
            let pot = self.pot(claim);
            match pot.take(amount) {
                Taken::Yes => return Ok(pot),
                Taken::Closed => continue,
                Taken::Empty => {}
            }
            let filling = pot.filling.lock().await;
            // Another may have filled it meanwhile.
            let taken = pot.take(amount);
            if let Taken::Empty = taken {
                let held = pot.lock().left;
                let block = self.charge(claim, amount.saturating_sub(held)).await?;
                pot.lock().left += block;
            }
            drop(filling);
            if let Taken::Yes = taken {
                return Ok(pot);
            }
        }
    }

    fn pot(&self, claim: &Claim) -> Arc<Pot> {
        let (budget, subject) = (claim.budget.name.clone(), claim.subject.clone());
        let key = PotKey { budget, subject, period: claim.period.name.clone() };
        Arc::clone(self.pots().entry(key).or_default())
    }

    fn pots(&self) -> MutexGuard<'_, HashMap<PotKey, Arc<Pot>>> {
        self.0.pots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges a block of at least this much.
    async fn charge(&self, claim: &Claim, least: u64) -> Result<u64, Spent> {
        let asked = claim.clone();
        let charged = self.0.db.write(&Cause::system("llm-budget"), move |tx| charge(tx, &asked, least)).await?;
        charged.map_err(|left| Spent::Spent { claim: Box::new(claim.clone()), left })
    }

    /// Empties pots that nobody used since the last time, or all.
    async fn sweep(&self, all: bool) {
        let pots: Vec<_> = self.pots().iter().map(|(key, pot)| (key.clone(), Arc::clone(pot))).collect();
        for (key, pot) in pots {
            let _filling = pot.filling.lock().await;
            let Some(left) = pot.lock().empty(all) else { continue };
            if left > 0
                && let Err(error) = self.give_back(&key, left).await
            {
                tracing::error!(%error, budget = key.budget, "what is left of a budget's block could not be given back; it stays charged");
            }
            self.pots().retain(|_, known| !Arc::ptr_eq(known, &pot));
        }
    }

    async fn give_back(&self, key: &PotKey, left: u64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE llm_budgets SET charged_nanos = charged_nanos - $4 WHERE budget = $1 AND subject = $2 AND period = $3";
        let (key, left) = (key.clone(), i64::try_from(left).unwrap_or(i64::MAX));
        let give = move |tx: &mut Tx<'_>| tx.execute(SQL, &[&key.budget, &key.subject, &key.period, &left]).map(drop);
        self.0.db.write(&Cause::system("llm-budget"), give).await
    }
}

enum Taken {
    Yes,
    Empty,
    Closed,
}

impl Pot {
    fn take(&self, amount: u64) -> Taken {
        self.lock().take(amount)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, amount: u64) -> Taken {
        if self.closed {
            return Taken::Closed;
        }
        self.used = true;
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                self.open += 1;
                Taken::Yes
            }
            None => Taken::Empty,
        }
    }

    /// Takes out what is left, for good; nothing while somebody may bring something back, or came lately.
    fn empty(&mut self, all: bool) -> Option<u64> {
        let used = std::mem::replace(&mut self.used, false);
        if self.open > 0 || (used && !all) {
            return None;
        }
        self.closed = true;
        Some(std::mem::take(&mut self.left))
    }
}

impl Reservation {
    /// Spends this much of it; the rest goes back.
    pub(crate) fn settle(self, spent: Money) {
        let rest = self.amount.saturating_sub(spent.nanos());
        for pot in &self.taken {
            pot.lock().left += rest;
        }
    }

    /// What is reserved.
    pub(crate) const fn amount(&self) -> Money {
        Money::from_nanos(self.amount)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for pot in &self.taken {
            let mut state = pot.lock();
            state.open = state.open.saturating_sub(1);
        }
    }
}

/// Charges a block in a transaction; answers how much, or what is left when it does not suffice.
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
        tell(tx, claim, now_told)?;
    }
    let stored = i64::try_from(charged).unwrap_or(i64::MAX);
    tx.execute(CHARGE, &[name, subject, &period.name, &stored, &now_told])?;
    Ok(Ok(block))
}

/// Tells that a part of a budget is spent: in the audit log, with the change; in the log, once it is kept.
fn tell(tx: &mut Tx<'_>, claim: &Claim, percent: i64) -> Result<(), StoreError> {
    let Claim { budget, subject, period } = claim;
    let after = Map::from_iter([
        ("subject".to_owned(), json!(subject)),
        ("period".to_owned(), json!(period.name)),
        ("percent".to_owned(), json!(percent)),
        ("amount".to_owned(), json!(budget.amount.to_string())),
    ]);
    tx.audit(Entry::new("llm.budget_reached", "llm_budget", &budget.name).changed(Map::<String, Value>::new(), after))?;
    let (name, subject, period) = (budget.name.clone(), subject.clone(), period.name.clone());
    tx.on_commit(move || {
        tracing::warn!(budget = name, subject, period, percent, "a part of a budget for language models is spent");
    });
    Ok(())
}
