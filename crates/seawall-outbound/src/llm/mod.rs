//! Calls of language models, as `/llm/…`: in the words of OpenAI, Anthropic or Gemini, passed on byte by byte, or translated where the provider
//! speaks another dialect, watched on their way back, and each with a row of what it used and cost.
//!
//! | file | what it holds |
//! |---|---|
//! | `operation.rs` | what a path asks for |
//! | `sketch.rs` | what has to be known of a request's body, and where it is written into |
//! | `gateway.rs`, `back.rs` | one call, and its answer on the way back |
//! | `route/` | what holds for calls of one route: who else is asked, how long and how often |
//! | `target.rs` | who is asked, and the request as they get it |
//! | `fields.rs` | fields of calls and answers |
//! | `stream.rs`, `sse.rs`, `watch.rs` | a streamed answer, event by event |
//! | `beginning.rs`, `opening.rs` | a streamed answer before it says something, when another can still be asked |
//! | `whole.rs` | any other answer |
//! | `usage.rs`, `estimate.rs`, `texts.rs` | tokens, told or guessed |
//! | `price.rs`, `price_tables.rs`, `price_list.rs`, `money.rs` | what they cost |
//! | `budget/` | what calls may cost |
//! | `alert/` | that a part of that is spent |
//! | `account.rs`, `record.rs` | the row of a call |
//! | `meters.rs` | metrics |
//! | `ledger.rs` | what the rows say, added up |
//! | `cache/` | answers that are kept |
//! | `spent.rs` | what a project has cost, for the application |
//! | `drain.rs` | answers that are read to their end without whoever asked |
//! | `heard.rs`, `transcript.rs`, `span.rs` | what answers say, what routes log of it, and what traces are told |
//! | `refusal.rs` | problems in each dialect's words |
//! | `translate/` | calls to a provider of another dialect |

mod account;
mod alert;
mod back;
mod beginning;
mod budget;
pub(crate) mod cache;
mod config;
mod drain;
mod estimate;
mod fields;
mod gateway;
mod heard;
pub mod ledger;
pub(crate) mod meters;
mod money;
mod opening;
mod operation;
mod price;
mod price_list;
mod price_tables;
mod record;
mod refusal;
mod route;
mod sketch;
mod span;
pub(crate) mod spent;
mod sse;
mod stream;
mod target;
mod texts;
mod transcript;
mod translate;
mod usage;
mod watch;
mod whole;

pub use crate::tables::ANSWERS;
pub(crate) use alert::{Courier, TOPIC, Webhook};
pub(crate) use budget::Treasury;
pub use budget::{BUDGETS, bounds_users};
pub use cache::CACHE;
pub(crate) use cache::Shelf;
pub use config::{LlmEntries, LlmSettings, MODELS, PROVIDERS, SECTION, retention};
pub(crate) use drain::Drains;
pub(crate) use gateway::{Books, CONVERSATION, Gateway, PROJECT, Refused};
pub use money::Money;
pub(crate) use operation::{Dialect, Operation, asked};
pub use price_list::PRICES_CHANGED;
pub(crate) use price_list::list as price_list;
pub use price_tables::PricesFile;
pub use record::LOST;
pub(crate) use record::Records;
pub(crate) use refusal::{SHOULD_RETRY, rendered};
pub(crate) use route::{FALLBACKS, Rounds, split};
pub use route::{ROUTES, exposed, logging as logging_routes};
