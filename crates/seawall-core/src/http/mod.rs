//! Decisions about one HTTP message.

pub mod address;
pub mod entity_tag;
pub mod forwarded;
pub mod framing;
pub mod hop;
pub mod likeness;
pub mod origin;
pub mod own;
pub mod path;
pub mod percent;
pub mod proxy_protocol;
pub mod quality;
pub mod reach;
pub mod route;
pub mod routes;
pub mod sample;
pub mod trace_context;

pub use address::{ClientKey, Network, Networks};
pub use entity_tag::{EntityTag, Strength, Tagging, Tags};
pub use likeness::Likeness;
pub use origin::{Origin, OriginPattern};
pub use own::{own_field, strip_own_fields, strip_own_fields_but};
pub use path::{PathFault, PathRules};
pub use reach::globally_reachable;
pub use route::RoutePattern;
pub use routes::{Routes, spelled};
pub use sample::Sample;
pub use trace_context::TraceContext;
