//! Which layers count.

use seawall_core::settings::{Raw, Setting, Shape, choice};

use super::table::Allowance;

/// How guessing is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BruteForce {
    /// By all layers.
    Layered,
    /// By name and source alone.
    Simple,
}

impl Setting for BruteForce {
    const SHAPE: Shape = Shape::Choice(&["layered", "simple"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("layered", Self::Layered), ("simple", Self::Simple)])
    }
}

/// When one source has failed at too many names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spraying {
    /// How many names.
    pub accounts: u64,
    /// How long they are counted together, and how long the source is paused.
    pub pause_us: u64,
}

impl Spraying {
    pub(super) fn allowance(self) -> Allowance {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Allowance { heard: signed(self.accounts), pause_us: signed(self.pause_us) }
    }
}
