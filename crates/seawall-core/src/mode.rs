//! How strictly Seawall acts, and where it runs.

use crate::settings::{Raw, Setting, Shape, choice};

/// What a guard does with a request it would refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Refuse it.
    #[default]
    Enforce,
    /// Let it through and record that it would have been refused.
    Report,
    /// Do not look at it.
    Off,
}

const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("report", Mode::Report), ("off", Mode::Off)];

impl Mode {
    /// The word used in configuration, logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
            Self::Off => "off",
        }
    }
}

impl Setting for Mode {
    const SHAPE: Shape = Shape::Choice(&["enforce", "report", "off"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, MODES)
    }
}

/// Where the application runs; production demands more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Environment {
    /// A developer's machine: details in errors, localhost origins.
    #[default]
    Development,
    /// As production, with localhost origins.
    Staging,
    /// Real users.
    Production,
}

const ENVIRONMENTS: &[(&str, Environment)] = &[
    ("development", Environment::Development),
    ("staging", Environment::Staging),
    ("production", Environment::Production),
];

impl Environment {
    /// The word used in configuration and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl Setting for Environment {
    const SHAPE: Shape = Shape::Choice(&["development", "staging", "production"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, ENVIRONMENTS)
    }
}
