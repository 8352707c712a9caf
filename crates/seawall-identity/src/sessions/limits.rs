//! How long sessions hold: without use, and at all (ASVS 5.0, 7.3.1 and 7.3.2).

use seawall_core::settings::{Raw, Setting, Shape, choice};

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// How long sessions hold, in microseconds. There is no session without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without use.
    pub idle_us: i64,
    /// At all.
    pub absolute_us: i64,
}

/// Limits by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// 15 minutes without use, 8 hours at all.
    Strict,
    /// 12 hours without use, 7 days at all.
    Standard,
    /// 7 days without use, 90 days at all.
    Relaxed,
}

impl Preset {
    /// The limits.
    #[must_use]
    pub const fn limits(self) -> Limits {
        match self {
            Self::Strict => Limits { idle_us: 15 * MINUTE_US, absolute_us: 8 * HOUR_US },
            Self::Standard => Limits { idle_us: 12 * HOUR_US, absolute_us: 7 * DAY_US },
            Self::Relaxed => Limits { idle_us: 7 * DAY_US, absolute_us: 90 * DAY_US },
        }
    }
}

impl Setting for Preset {
    const SHAPE: Shape = Shape::Choice(&["strict", "standard", "relaxed"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("strict", Self::Strict), ("standard", Self::Standard), ("relaxed", Self::Relaxed)])
    }
}
