//! Seawall's guards: decisions about inbound requests, for the proxy and for any Rust application.
//!
//! A guard is a decision, not a service: it looks at a request's head and passes it, refuses it with a problem, or
//! answers it ([`Guard`]). The proxy runs the guards of a route as one prepared slice ([`Policy`]); a Rust application
//! puts a guard in front of its own service with [`GuardLayer`]. Both run the same loop.
//!
//! Each guard is a directory of the same shape: `mod.rs` tells its story, `guard.rs` decides, `config.rs` declares its
//! section, `tests.rs` tries it. Knowing one is knowing all.
//!
//! ```
//! use seawall_guards::{GuardLayer, body::{self, BodyGuard}};
//! use tower_layer::Layer;
//!
//! let guard = BodyGuard::read(&body::values().with("max", seawall_core::settings::Raw::Text("64 KiB".into())))?;
//! let layer = GuardLayer::new(&body::ENTRY, guard);
//! let service = layer.layer(tower::service_fn(|request: http::Request<_>| async move {
//!     let _: &seawall_guards::Reread<http_body_util::Empty<bytes::Bytes>> = request.body();
//!     Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
//! }));
//! # let _ = service;
//! # Ok::<(), seawall_core::settings::BadSetting>(())
//! ```

#![warn(missing_docs)]

mod engine;

pub mod access;
pub mod additions;
pub mod authentication;
pub mod body;
pub mod client_address;
pub mod compression;
pub mod conditional;
pub mod cors;
pub mod csrf;
pub mod deadline;
pub mod form;
pub mod idempotency;
pub mod json;
pub mod load_shed;
pub mod payload_filter;
pub mod problem;
pub mod rate_limit;
pub mod report;
pub mod request_id;
pub mod rescue;
pub mod retry;
pub mod schema;
pub mod security_headers;
pub mod signatures;
mod streaming;
pub mod strict_http;
pub mod trace_context;
pub mod versions;
pub mod websocket;

pub use engine::{
    AnswerHead, Build, BuildError, BuildGuard, Context, Counted, CountedError, DECISIONS, End, Expected, Flow, Follow,
    Followed, Following, Guard, GuardEntry, GuardLayer, GuardService, Head, Held, HeldFlow, Hold, Holding, Inspect,
    Inspection, Kept, Needs, Peer, Policy, ReportOnly, Reread, Rest, SectionSource, Seed, Settle, Shared, Step, Stop,
    Verdict, Watch,
};
