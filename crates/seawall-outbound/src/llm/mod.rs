//! Calls of language models, as `/llm/…`: in the words of OpenAI, Anthropic or Gemini, passed on byte by byte, watched on their way back, and
//! each with a row of what it used and cost.
//!
//! | file | what it holds |
//! |---|---|
//! | `operation.rs` | what a path asks for |
//! | `sketch.rs` | what has to be known of a request's body, and where it is written into |
//! | `gateway.rs` | one call |
//! | `target.rs` | who is asked, and the request as they get it |
//! | `fields.rs` | fields of calls and answers |
//! | `stream.rs`, `sse.rs`, `watch.rs` | a streamed answer, event by event |
//! | `whole.rs` | any other answer |
//! | `usage.rs`, `estimate.rs` | tokens, told or guessed |
//! | `price.rs`, `money.rs` | what they cost |
//! | `budget/` | what calls may cost |
//! | `account.rs`, `record.rs` | the row of a call |
//! | `meters.rs` | metrics |
//! | `ledger.rs` | what the rows say, added up |
//! | `refusal.rs` | problems in each dialect's words |

mod account;
mod budget;
mod config;
mod estimate;
mod fields;
mod gateway;
pub mod ledger;
pub(crate) mod meters;
mod money;
mod operation;
mod price;
mod record;
mod refusal;
mod sketch;
mod sse;
mod stream;
mod target;
mod usage;
mod watch;
mod whole;

pub use budget::BUDGETS;
pub(crate) use budget::Treasury;
pub use config::{LlmEntries, LlmSettings, MODELS, PROVIDERS, SECTION, retention};
pub(crate) use gateway::{Books, Gateway, Refused, rendered};
pub use money::Money;
pub(crate) use operation::asked;
pub use record::LOST;
pub(crate) use record::Records;
