//! The application: everything wired from a configuration and its surroundings.

pub mod admin;
mod attempts;
mod build;
mod builtin;
pub mod catalogue;
mod counters;
mod data;
pub(crate) mod documents;
pub mod encryption;
mod fault;
mod fetch;
pub mod hand_over;
pub mod health;
pub(crate) mod identity;
pub mod mail;
pub mod notify;
mod openapi;
mod outbound;
mod random;
mod redirect;
pub mod reload;
mod running;
mod settings;
pub mod sites;
mod source;
pub mod store;
pub mod supervised;
mod surroundings;
pub mod tiny_http;
mod traces;

pub use build::App;
pub use data::DataDirectory;
pub use fault::AppError;
pub use running::{Addresses, Running};
pub use source::{ConfigSource, Loaded, SourceError};
pub use surroundings::{Surroundings, SystemClock};
