//! Mistakes in a configuration: what is wrong, where, and what to do.

mod diagnostic;
mod excerpt;
mod json;
mod problems;
mod render;

pub use diagnostic::{Code, Diagnostic, Location};
pub use problems::Diagnostics;
pub(crate) use problems::Problems;
pub use render::Colour;
