//! Seawall: a hardened front for any web API.
//!
//! This crate is the only one that knows all others. [`app`] wires them: [`app::App::build`] from a configuration and its
//! [`app::Surroundings`], then [`app::App::start`]. [`cli`] is what people type; the binary only gives it the process.

pub mod app;
pub mod cli;
pub mod demo;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
