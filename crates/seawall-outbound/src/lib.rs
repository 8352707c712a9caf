//! Seawall's outbound side: the application's calls to other services, made so that they cannot hang, run away or show a key.
//!
//! The application calls a listener of this machine, whose connections are the program's to accept; Seawall calls the service. On the way a call meets, in this order:
//!
//! ```text
//! key of the application ─► allow list ─► cache, or the same call under way ─► a place ─► attempts ─► answer
//!                                                                                        │
//!                                              breaker ─► connection (address looked at) ┘ within clocks, one deadline
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | section `[outbound]` |
//! | [`service`] | one call |
//! | [`caller`] | who calls |
//! | `keyring`, `may` | keys of several programs, and what each may ask for |
//! | `exposed` | calls of models from outside, by people who signed in |
//! | [`external`] | services called as `/out/NAME/…` |
//! | [`llm`] | language models, called as `/llm/…` |
//! | `endpoint` | one service that is asked: breaker, places, retries, clocks |
//! | `client` | one attempt: name, address, connection |
//! | `flight` | the same thing asked several times at once |
//! | `unheard` | attempts that a service may have carried out without saying so |
//! | `memory` | what the bodies of all calls may hold |

mod body;
pub mod caller;
mod client;
pub mod config;
mod endpoint;
mod exposed;
pub mod external;
mod flight;
mod keyring;
pub mod llm;
mod may;
mod memory;
mod problem;
pub mod service;
mod tables;
mod unheard;

pub use body::Body;
pub use caller::{Caller, Callers, Identified, Shown};
pub use client::{Reach, Trust};
pub use config::{OutboundSettings, SECTION};
pub use endpoint::{EndpointSettings, Surroundings};
pub use exposed::Outside;
pub use external::ExternalSettings;
pub use keyring::{CALLERS, CallerSettings};
pub use llm::LlmSettings;
pub use may::May;
pub use problem::PROBLEMS;
use seawall_core::meter::Metric;
pub use service::{Outbound, Prepared, ProblemStyle, ServiceSettings};
pub use tables::{LEDGER, RULES};

/// Every metric.
pub static METRICS: [&Metric; 14] = [
    &endpoint::ATTEMPTS,
    &endpoint::BREAKER,
    &external::CACHE,
    &llm::LOST,
    &llm::PRICES_CHANGED,
    &llm::meters::TOKENS,
    &llm::meters::DURATION,
    &llm::meters::FIRST_CHUNK,
    &llm::meters::EACH_CHUNK,
    &llm::meters::COST,
    &llm::meters::RETRIES,
    &llm::FALLBACKS,
    &llm::cache::RESULTS,
    &llm::cache::HELD,
];
