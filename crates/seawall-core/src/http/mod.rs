//! Decisions about one HTTP message.

pub mod address;
pub mod forwarded;
pub mod framing;
pub mod hop;
pub mod origin;
pub mod own;
pub mod path;
pub mod proxy_protocol;
pub mod route;
pub mod sample;
pub mod trace_context;

pub use address::{ClientKey, Network, Networks};
pub use origin::{Origin, OriginPattern};
pub use own::{own_field, strip_own_fields};
pub use path::{PathFault, PathRules};
pub use route::RoutePattern;
pub use sample::Sample;
pub use trace_context::TraceContext;
