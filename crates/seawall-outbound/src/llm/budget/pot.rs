//! What was charged of a budget, in memory: reservations are taken from it, up to a mark that is written down before it is reached.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::llm::money::Money;

/// One block, and those that were added to it.
#[derive(Debug)]
pub(super) struct Pot {
    /// Its row in `llm_blocks`.
    pub(super) id: String,
    state: Mutex<State>,
    /// Held while it is filled, marked or emptied, so that one block is fetched for all who wait.
    pub(super) filling: Arc<tokio::sync::Mutex<()>>,
}

/// Invariant: `charged - left <= mark <= charged`, and `mark` is at most what is written down. Whoever finds the row when this process is gone
/// can give back what is beyond the mark, because nobody has reserved it. A call that cost more than was reserved for it breaks this by what
/// it cost more, until the pot is filled next.
#[derive(Debug, Default)]
pub(super) struct State {
    charged: u64,
    /// What of that is neither reserved nor spent.
    left: u64,
    /// What calls cost beyond what was reserved for them, and was not left: it is charged before anything else is reserved.
    owed: u64,
    /// How much of it may be reserved and spent.
    mark: u64,
    /// How much the mark is beyond what is taken when it is moved.
    step: u64,
    /// Reservations that are not settled.
    open: u32,
    /// Whether anybody came since it was looked at last.
    used: bool,
    /// It is no longer the one that is known: whoever has it asks for the other.
    closed: bool,
}

/// Whether something could be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// It has to be filled, or its mark moved.
    Short,
    Closed,
}

/// What a pot needs, for a reservation that is to be taken from it.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// The pot.
    pub(super) id: String,
    /// The reservation.
    pub(super) amount: u64,
    /// What is reserved and spent already.
    pub(super) taken: u64,
    /// What was charged already; nothing before the first time.
    pub(super) charged: u64,
    /// What is lacking.
    pub(super) short: u64,
}

/// What a pot got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filling {
    pub(super) block: u64,
    pub(super) mark: u64,
    pub(super) step: u64,
}

/// What is reserved for a call. Dropped unsettled, it is spent.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    pub(super) taken: Vec<Arc<Pot>>,
    pub(super) amount: u64,
}

impl Default for Pot {
    fn default() -> Self {
        let id = format!("{:032x}", fastrand::u128(..));
        Self { id, state: Mutex::default(), filling: Arc::default() }
    }
}

impl Pot {
    pub(super) fn take(&self, amount: u64) -> Taken {
        self.lock().take(amount)
    }

    /// What it needs. Until it has it, nothing is taken beyond that: what is written down may become less.
    pub(super) fn need(&self, amount: u64) -> Need {
        let mut state = self.lock();
        let taken = state.taken();
        state.mark = state.mark.min(taken.saturating_add(amount));
        let short = amount.saturating_add(state.owed).saturating_sub(state.left);
        Need { id: self.id.clone(), amount, taken, charged: state.charged, short }
    }

    /// It has what it needed, and that is written down.
    pub(super) fn filled(&self, Filling { block, mark, step }: Filling) {
        let mut state = self.lock();
        state.charged = state.charged.saturating_add(block);
        state.left = state.left.saturating_add(block);
        state.pay();
        (state.mark, state.step) = (mark, step);
    }

    /// Its row is gone: what was left in it was given back by another, who took this process for gone.
    pub(super) fn lose(&self) {
        self.lock().closed = true;
    }

    /// Moves the mark down to where it is about needed; answers where that is. Write it down after.
    pub(super) fn lower(&self) -> Option<u64> {
        self.lock().lower()
    }

    /// Closes it for good; answers what was taken of it. Not while somebody may bring something back, or came lately.
    pub(super) fn empty(&self, all: bool) -> Option<u64> {
        self.lock().empty(all)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn taken(&self) -> u64 {
        self.charged.saturating_sub(self.left).saturating_add(self.owed)
    }

    /// Takes what is owed from what is left.
    fn pay(&mut self) {
        let paid = self.owed.min(self.left);
        (self.owed, self.left) = (self.owed - paid, self.left - paid);
    }

    fn take(&mut self, amount: u64) -> Taken {
        if self.closed {
            return Taken::Closed;
        }
        self.used = true;
        match self.left.checked_sub(amount) {
            Some(left) if self.owed == 0 && self.charged.saturating_sub(left) <= self.mark => {
                self.left = left;
                self.open += 1;
                Taken::Yes
            }
            _ => Taken::Short,
        }
    }

    fn lower(&mut self) -> Option<u64> {
        let needed = self.taken().saturating_add(self.step);
        if self.closed || self.mark <= needed.saturating_add(self.step) {
            return None;
        }
        self.mark = needed;
        Some(needed)
    }

    fn empty(&mut self, all: bool) -> Option<u64> {
        let used = std::mem::replace(&mut self.used, false);
        if self.closed || self.open > 0 || (used && !all) {
            return None;
        }
        self.closed = true;
        Some(self.taken())
    }
}

impl Reservation {
    /// Spends this much; the rest goes back. What was spent beyond it is taken from what is left, or owed.
    pub(crate) fn settle(self, spent: Money) {
        let rest = self.amount.saturating_sub(spent.nanos());
        let beyond = spent.nanos().saturating_sub(self.amount);
        for pot in &self.taken {
            let mut state = pot.lock();
            state.left = state.left.saturating_add(rest);
            state.owed = state.owed.saturating_add(beyond);
            state.pay();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is written down of a pot.
    #[derive(Default)]
    struct Row {
        charged: u64,
        mark: u64,
    }

    impl Row {
        /// Fills as the database would, unless it is away: before it is written, or after, with nobody told.
        fn fill(&mut self, pot: &Pot, amount: u64, away: Option<bool>) {
            let need = pot.need(amount);
            if away == Some(false) {
                return;
            }
            let block = if need.short > 0 { need.short.max(100) } else { 0 };
            let mark = (need.taken + need.amount + 10).min(need.charged + block);
            (self.charged, self.mark) = (self.charged + block, mark);
            if away.is_none() {
                pot.filled(Filling { block, mark, step: 10 });
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_beyond_the_mark_that_is_written_down_was_never_reserved(
            steps in prop::collection::vec((0_u8..6, 1_u64..60, any::<bool>()), 1..200),
        ) {
            let (pot, mut row) = (Arc::new(Pot::default()), Row::default());
            let (mut open, mut spent) = (Vec::new(), 0);
            for (step, amount, other) in steps {
                match step {
                    0..3 => {
                        if pot.take(amount) != Taken::Yes {
                            row.fill(&pot, amount, (amount % 7 == 0).then_some(other));
                        } else {
                            open.push(Reservation { taken: vec![Arc::clone(&pot)], amount });
                        }
                    }
                    3 | 4 => if let Some(reservation) = open.pop() {
                        let cost = reservation.amount.min(amount);
                        spent += cost;
                        reservation.settle(Money::from_nanos(cost));
                    },
                    _ => if let Some(mark) = pot.lower() && other {
                        row.mark = mark;
                    },
                }
                let reserved: u64 = open.iter().map(|reservation| reservation.amount).sum();
                prop_assert!(spent + reserved <= row.mark && row.mark <= row.charged, "{spent} {reserved} {} {}", row.mark, row.charged);
            }
        }
    }

    #[test]
    fn what_a_call_costs_beyond_what_was_reserved_is_taken_from_the_rest_and_owed_where_there_is_none() {
        let pot = Arc::new(Pot::default());
        let reserved = |amount| {
            assert_eq!(pot.take(amount), Taken::Yes);
            Reservation { taken: vec![Arc::clone(&pot)], amount }
        };
        pot.filled(Filling { block: 100, mark: 100, step: 0 });
        reserved(10).settle(Money::from_nanos(40));
        assert_eq!((pot.take(61), pot.lock().left), (Taken::Short, 60));
        reserved(60).settle(Money::from_nanos(85));
        // Nothing is left, and what is owed is asked for with what the next call needs.
        assert_eq!((pot.take(0), pot.need(5).short, pot.need(5).taken), (Taken::Short, 30, 125));
        pot.filled(Filling { block: 30, mark: 130, step: 0 });
        assert_eq!((pot.take(5), pot.take(1)), (Taken::Yes, Taken::Short));
        assert_eq!(pot.lock().taken(), 130);
    }

    #[test]
    fn a_mark_that_is_far_beyond_what_is_taken_comes_down() {
        let pot = Arc::new(Pot::default());
        pot.filled(Filling { block: 1_000, mark: 1_000, step: 50 });
        let taken = (0..10).map(|_| pot.take(100)).filter(|taken| *taken == Taken::Yes).count();
        assert_eq!((taken, pot.lower()), (10, None));
        Reservation { taken: vec![Arc::clone(&pot); 10], amount: 100 }.settle(Money::from_nanos(1));
        assert_eq!((pot.lower(), pot.lower()), (Some(60), None));
        assert_eq!((pot.take(51), pot.take(50)), (Taken::Short, Taken::Yes));
    }
}
