//! What to do when another service fails: stop asking it, wait before asking again, and ask again only so often.

pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod rates;
pub mod retry;

pub use backoff::Backoff;
pub use breaker::{Admission, Breaker, BreakerSettings, BreakerState, Change, End, Pass};
pub use budget::{BudgetSettings, RetryBudget, Seconds};
pub use rates::RateSettings;
pub use retry::{Attempt, Decision, Failure, Keyed, Replay, RetryRules};
