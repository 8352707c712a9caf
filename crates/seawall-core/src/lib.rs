//! Pure types and decisions of Seawall: no IO, no runtime, no clock reads.
//!
//! Everything here takes the time and randomness as arguments and returns a decision; the crates above do the
//! reading and writing. Ports (traits that an engine implements) stand here too, so that a guard can ask for a
//! rate store or a meter without knowing which engine answers.
//!
//! | module | what it holds |
//! |---|---|
//! | [`authenticator`] | the port to whoever knows credentials |
//! | [`clock`], [`meter`], [`reply`] | the ports to time, metrics, and answers that may come later |
//! | [`facts`] | what is known of a request, for built-in targets |
//! | [`fetch`] | the port to small outgoing requests |
//! | [`http`] | decisions about one message: addresses, origins, paths, routes, trace context |
//! | [`json`] | the shape of JSON, checked as it arrives |
//! | [`limit`] | quotas, the sliding window, the sketch, and the port to a rate store |
//! | [`mail`] | the port to whoever sends letters |
//! | [`membership`] | for which organisation somebody acts, and its tier |
//! | [`principal`] | who a request is from, and the port that tells when that ends |
//! | [`problem`] | every error a client can see |
//! | [`queue`] | a bounded queue to threads |
//! | [`redact`] | which names hide their values |
//! | [`resilience`] | the circuit breaker, the wait before a retry, the retry budget, and which failure may be tried again |
//! | [`scope`] | what a program may do with a key, by name |
//! | [`settings`] | how a crate declares its configuration, and the words it is written in |
//! | [`websocket`] | what a WebSocket connection may carry: its handshake and its frames |

#![warn(missing_docs)]

pub mod authenticator;
pub mod clock;
pub mod facts;
pub mod fetch;
pub mod http;
pub mod json;
pub mod limit;
pub mod mail;
pub mod membership;
pub mod meter;
pub mod mode;
pub mod onward;
pub mod principal;
pub mod problem;
pub mod proof;
pub mod queue;
pub mod redact;
pub mod reply;
pub mod request_id;
pub mod resilience;
pub mod scope;
pub mod settings;
pub mod websocket;

pub use mode::{Environment, Mode};
