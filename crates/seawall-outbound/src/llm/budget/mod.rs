//! Budgets: so much money in a day or a month, for all calls together or for each user, project, caller, model, provider or route. A call reserves what it can
//! cost at most before it is made, and gives the rest back after.
//!
//! ```text
//! database: charged ◄── a block, durably ── pot in memory ◄── reservation of a call ── settled: the rest goes back into the pot
//!     ▲                                       │
//!     └──────────── what is left of it, when nobody calls ◄──┘
//! ```
//!
//! Invariant: what was charged is never more than the amount, and a call is made only with what was charged. So a crash can only leave money
//! unspent, never overspent.
//!
//! How far a pot may be used is written down before it is (its mark). What a process that is gone had charged beyond the mark was never
//! reserved, and goes back; what lies below stays charged until the period ends, calls that were under way by what they could cost at most.

mod blocks;
mod claims;
mod holders;
mod period;
mod pot;
mod settings;
mod treasury;

pub(crate) use claims::{Budgets, unaffordable};
pub(crate) use period::Period;
#[cfg(test)]
pub(crate) use period::{Per, Zone};
pub(crate) use pot::Reservation;
pub use settings::{BUDGETS, bounds_users};
pub(crate) use settings::{BudgetSettings, Of};
use treasury::PotKey;
pub(crate) use treasury::{Claim, Spent, Treasury};
