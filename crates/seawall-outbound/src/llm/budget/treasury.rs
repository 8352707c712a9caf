//! Where reservations come from: pots in memory, filled by blocks that were charged durably.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use seawall_core::clock::Clock;
use seawall_store::{Cause, Db, StoreError};

use super::{
    BudgetSettings, Period,
    blocks::{self, Filled},
    holders,
    pot::{Need, Pot, Reservation, Taken},
};
use crate::llm::money::Money;

/// How often marks are moved down that are far beyond what is needed, in one transaction for so many.
const TICK: Duration = Duration::from_secs(2);
const BATCH: usize = 256;

/// How often pots that nobody used are emptied.
const SWEEP: Duration = Duration::from_secs(30);

const CAUSE: Cause = Cause::system("llm-budget");

/// One of those on whom a budget is counted, in one period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PotKey {
    pub(super) budget: String,
    pub(super) subject: String,
    pub(super) period: String,
}

/// One budget that a call is in.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) budget: Arc<BudgetSettings>,
    pub(crate) subject: String,
    pub(crate) period: Period,
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
    /// Under which this process holds blocks.
    holder: String,
    pots: Mutex<HashMap<PotKey, Arc<Pot>>>,
}

impl Treasury {
    /// Keeps budgets in this database. What processes had left that are gone is given back first; pots are looked after by a task of the
    /// runtime that this is called on.
    pub(crate) async fn start(db: Db, clock: Arc<dyn Clock>) -> Self {
        let holder = format!("{:032x}", fastrand::u128(..));
        let treasury = Self(Arc::new(Inner { db, clock, holder, pots: Mutex::default() }));
        treasury.look_for_gone().await;
        tokio::spawn(keep(Arc::downgrade(&treasury.0)));
        treasury
    }

    /// The time, for periods.
    pub(crate) fn now_us(&self) -> u64 {
        self.0.clock.now().unix_us
    }

    /// Reserves this amount in every budget, or in none, also when whoever waits for it leaves.
    pub(crate) async fn reserve(&self, claims: &[Claim], amount: Money) -> Result<Reservation, Spent> {
        let mut begun = Begun(Some(Reservation { taken: Vec::with_capacity(claims.len()), amount: amount.nanos() }));
        for claim in claims {
            let pot = self.take(claim, amount.nanos()).await?;
            begun.0.iter_mut().for_each(|begun| begun.taken.push(Arc::clone(&pot)));
        }
        Ok(begun.whole())
    }

    /// Gives back what is left in all pots. Call it before the database is closed.
    pub(crate) async fn close(&self) {
        self.sweep(true).await;
        if let Err(error) = holders::leave(&self.0.db, &self.0.holder).await {
            tracing::debug!(%error, "the lease of this process could not be given back; it runs out");
        }
    }

    async fn take(&self, claim: &Claim, amount: u64) -> Result<Arc<Pot>, Spent> {
        loop {
            let pot = self.pot(claim);
            match pot.take(amount) {
                Taken::Yes => return Ok(pot),
                Taken::Closed => continue,
                Taken::Short => {}
            }
            let filling = Arc::clone(&pot.filling).lock_owned().await;
            // Another may have filled it meanwhile.
            match pot.take(amount) {
                Taken::Yes => return Ok(pot),
                Taken::Closed => continue,
                Taken::Short => {}
            }
            // What is charged has to get into the pot also when the caller leaves meanwhile.
            let (treasury, claim) = (self.clone(), claim.clone());
            let filled = tokio::spawn(async move {
                let filled = treasury.fill(&claim, &pot, pot.need(amount)).await;
                drop(filling);
                filled
            });
            filled.await.map_err(|_| StoreError::Closed)??;
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

    /// Lets the next who comes have another pot.
    fn forget(&self, pot: &Arc<Pot>) {
        self.pots().retain(|_, known| !Arc::ptr_eq(known, pot));
    }

    /// Gives a pot what it needs.
    async fn fill(&self, claim: &Claim, pot: &Arc<Pot>, need: Need) -> Result<(), Spent> {
        let (asked, holder) = (claim.clone(), self.0.holder.clone());
        match self.0.db.write(&CAUSE, move |tx| blocks::fill(tx, &asked, &holder, &need)).await? {
            Filled::With(filling) => pot.filled(filling),
            Filled::Spent(left) => return Err(Spent::Spent { claim: Box::new(claim.clone()), left }),
            Filled::Lost => self.lose(pot),
        }
        Ok(())
    }

    fn lose(&self, pot: &Arc<Pot>) {
        tracing::warn!(
            "a block of a budget was given back by another process, because this one stood still for so long"
        );
        pot.lose();
        self.forget(pot);
    }

    /// Empties pots that nobody used since the last time, or all.
    async fn sweep(&self, all: bool) {
        let pots: Vec<_> = self.pots().iter().map(|(key, pot)| (key.clone(), Arc::clone(pot))).collect();
        for (key, pot) in pots {
            let _filling = pot.filling.lock().await;
            let Some(taken) = pot.empty(all) else { continue };
            self.forget(&pot);
            let (asked, id) = (key.clone(), pot.id.clone());
            let given = self.0.db.write(&CAUSE, move |tx| blocks::give_back(tx, &asked, &id, taken)).await;
            if let Err(error) = given {
                tracing::error!(%error, budget = key.budget, "what is left of a budget's block could not be given back; it stays charged until this process has ended");
            }
        }
    }

    /// Moves marks down that are far beyond what is needed, so that a crash would leave less charged.
    async fn lower_marks(&self) {
        let pots: Vec<_> = self.pots().values().cloned().collect();
        for pots in pots.chunks(BATCH) {
            // Whoever fills one moves its mark anyway.
            let lowered: Vec<_> = pots
                .iter()
                .filter_map(|pot| {
                    let filling = Arc::clone(&pot.filling).try_lock_owned().ok()?;
                    Some((pot, pot.lower()?, filling))
                })
                .collect();
            let marks: Vec<_> = lowered.iter().map(|(pot, mark, _)| (pot.id.clone(), *mark)).collect();
            if marks.is_empty() {
                continue;
            }
            match self.0.db.write(&CAUSE, move |tx| blocks::mark(tx, &marks)).await {
                Ok(there) => {
                    let gone = lowered.iter().zip(there).filter(|(_, there)| !there);
                    gone.for_each(|((pot, ..), _)| self.lose(pot));
                }
                // Higher marks stand there, so a crash would leave more charged, and nothing else.
                Err(error) => tracing::debug!(%error, "marks of budgets could not be moved down"),
            }
        }
    }

    /// Gives back what processes had left that are gone.
    async fn look_for_gone(&self) {
        match holders::look(&self.0.db, &self.0.holder).await {
            Ok(given) if given > Money::default() => {
                tracing::info!(amount = %given, "what processes that are gone had charged of budgets and not reserved was given back");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "blocks of budgets whose process is gone could not be looked for; it is tried again");
            }
        }
    }
}

/// A reservation that is not in all budgets yet: dropped so, it goes back.
struct Begun(Option<Reservation>);

impl Begun {
    fn whole(mut self) -> Reservation {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(begun) = self.0.take() {
            begun.settle(Money::default());
        }
    }
}

/// Looks after the pots, as long as there are any.
async fn keep(treasury: Weak<Inner>) {
    let (mut since_sweep, mut since_look) = (Duration::ZERO, Duration::ZERO);
    loop {
        tokio::time::sleep(TICK).await;
        let Some(inner) = treasury.upgrade() else { return };
        let treasury = Treasury(inner);
        treasury.lower_marks().await;
        since_sweep += TICK;
        since_look += TICK;
        if since_sweep >= SWEEP {
            since_sweep = Duration::ZERO;
            treasury.sweep(false).await;
        }
        if since_look >= holders::EACH {
            since_look = Duration::ZERO;
            treasury.look_for_gone().await;
        }
    }
}
