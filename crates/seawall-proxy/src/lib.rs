//! The data plane: listeners, HTTP edge, routing, upstream connections, tunnels and drain.
//!
//! One current-thread runtime per core, each with its own upstream connections, policies and log buffer, so that no lock is
//! contended on a request's way. It refuses, forwards and streams; it never hashes, signs, queries or blocks. What belongs
//! elsewhere goes to the control plane as a typed message ([`BuiltinRequest`]).
//!
//! | module | what it holds |
//! |---|---|
//! | `plane` | the threads, and the handle that drains them and replaces their policies |
//! | `core` | one core: its accept loop, its connections, its state |
//! | `edge` | the only place that names hyper's connection types: client connections in, upstream connections out |
//! | `exchange` | one request and its answer: guards, target, body, end |
//! | `tls` | certificates, and which of them a client gets |
//! | `upstream` | the application's servers, which of them is asked, and the connections to them |
//! | `site` | what is served: routes, policies, targets |

mod builtin;
mod config;
mod core;
mod edge;
mod exchange;
mod meters;
mod plane;
mod problems;
mod site;
mod timer;
mod tls;
mod upstream;

pub use builtin::{BuiltinBody, BuiltinRequest, Builtins};
pub use config::{SERVER_SECTION, ServerSettings, server};
pub use meters::METRICS;
pub use plane::{Plane, PlaneError, PlaneParts, Stage};
pub use problems::PROBLEMS;
pub use seawall_core::http::spelled;
pub use site::{Route, RouteIndex, Router, Site, Target};
pub use tls::{
    CertificateFiles, ClientCertificates, SECTION as TLS_SECTION, Terminator, TlsError, TlsSettings,
    verify as verify_tls,
};
pub use upstream::{
    EncryptionError, Given, Protocol, SECTION as UPSTREAM_SECTION, ServerReport, Sharing, Tuning, Upstream,
    UpstreamAddress, UpstreamSettings, WeighedServer,
};
