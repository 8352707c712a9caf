//! Pure types and decisions of Seawall: no IO, no runtime, no clock reads.
//!
//! Everything here takes the time and randomness as arguments and returns a decision; the crates above do the
//! reading and writing. Ports (traits that an engine implements) stand here too, so that a guard can ask for a
//! rate store or a meter without knowing which engine answers.
//!
//! | module | what it holds |
//! |---|---|
//! | [`authenticator`] | the port to whoever knows credentials |
//! | [`certificate`] | what is known of a client's certificate |
//! | [`clock`], [`meter`], [`span`], [`reply`] | the ports to time, metrics, traces, and answers that may come later |
//! | [`cross_site`] | the problem of a request that another site's page made |
//! | [`fault`] | steps at which a test has the process end |
//! | [`facts`] | what is known of a request, for built-in targets |
//! | [`fetch`] | the port to small outgoing requests |
//! | [`form`] | the shape of forms, checked as they arrive |
//! | [`http`] | decisions about one message: addresses, origins, paths, routes, trace context |
//! | [`idempotency`] | requests that are carried out once, however often they come, and the port to whoever remembers them |
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
//! | [`signatures`] | what a signed request says (RFC 9421), and what its signature is about |
//! | [`text_rules`] | what a text may hold to be safe where it goes next |
//! | [`websocket`] | what a WebSocket connection may carry: its handshake and its frames |

#![warn(missing_docs)]

pub mod authenticator;
pub mod certificate;
pub mod clock;
pub mod cross_site;
pub mod facts;
pub mod fault;
pub mod fetch;
pub mod form;
pub mod http;
pub mod idempotency;
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
pub mod signatures;
pub mod span;
pub mod text_rules;
pub mod websocket;
mod word;

pub use mode::{Environment, Mode};
