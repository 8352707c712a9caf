//! The metrics registry behind core's `Meter`.
//!
//! A handle is resolved once, when a policy is built. Counting is then one relaxed addition to a cell that belongs to
//! this core alone; the cells are summed when someone scrapes. A thread of the data plane says which core it is with
//! [`bind_core`]; all other threads share one more cell.

mod cells;
mod expose;
mod registry;
mod series;
#[cfg(test)]
mod tests;

pub use cells::bind_core;
pub use expose::CONTENT_TYPE;
pub use registry::{MOST_SERIES, Registry, SERIES_DROPPED};
