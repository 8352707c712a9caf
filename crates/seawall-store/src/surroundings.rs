//! What the store takes from outside.

use std::sync::Arc;

use seawall_core::{clock::Clock, meter::Meter};

/// The time, and where is counted.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The time for deadlines and for what is stored.
    pub clock: Arc<dyn Clock>,
    /// Where metrics come from.
    pub meter: &'a dyn Meter,
}
