//! Budgets: so much money in a day or a month, for all calls together or for each user, project, caller, model or provider. A call reserves what it can
//! cost at most before it is made, and gives the rest back after.
//!
//! ```text
//! database: charged ◄── a block, durably ── pot in memory ◄── reservation of a call ── settled: the rest goes back into the pot
//!     ▲                                       │
//!     └──────────── what is left of it, when nobody calls ◄──┘
//! ```
//!
//! Invariant: what was charged is never more than the amount, and a call is made only with what was charged. So a crash can only leave money
//! unspent, never overspent: what was left in a pot stays charged until the period ends.

mod claims;
mod period;
mod settings;
mod treasury;

pub(crate) use claims::{Budgets, unaffordable};
pub(crate) use period::Period;
pub use settings::BUDGETS;
pub(crate) use settings::{BudgetSettings, Of};
pub(crate) use treasury::{Claim, Reservation, Spent, Treasury};
