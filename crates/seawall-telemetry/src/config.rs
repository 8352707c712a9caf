//! The section `log`.

use std::sync::Arc;

use seawall_core::settings::{BadSetting, Field, Literal, Section, Values};

use crate::{Format, LogLevel};

/// How much the process log says.
const LEVEL: Field<LogLevel> = Field::new(
    "level",
    Literal::Text("info"),
    "How much the process log says: \"debug\", \"info\", \"warn\" or \"error\"; with more or less for single parts, as in \"info,seawall_proxy=debug\". The request log does not depend on it.",
);

/// How lines look.
const FORMAT: Field<Format> = Field::new(
    "format",
    Literal::Text("auto"),
    "How log lines look: \"json\" is one JSON object per line, \"pretty\" is aligned text, \"auto\" is pretty on a terminal and JSON elsewhere.",
)
.needs_restart();

/// The service's name.
const SERVICE: Field<String> = Field::new(
    "service",
    Literal::Text("seawall"),
    "The name of the service in each log line and trace. Give each application behind Seawall its own.",
)
.needs_restart();

/// Whether requests are logged.
const REQUESTS: Field<bool> = Field::new(
    "requests",
    Literal::Flag(true),
    "Whether each request is logged in one line: what was asked, what was answered, how long it took, and which guard answered. Values of secret query parameters are hidden.",
);

/// The section `log`.
pub const LOG_SECTION: Section = Section::new(
    "log",
    "What Seawall writes about itself and about each request. Lines go to the standard output.",
    &[LEVEL.spec(), FORMAT.spec(), SERVICE.spec(), REQUESTS.spec()],
);

/// The section's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// How much the process log says.
    pub level: LogLevel,
    /// How lines look.
    pub format: Format,
    /// The service's name.
    pub service: Arc<str>,
    /// Whether requests are logged.
    pub requests: bool,
}

impl LogSettings {
    /// Reads the section.
    ///
    /// # Errors
    /// [`BadSetting`] when a value is missing or of the wrong type; loading a configuration has excluded both.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            level: values.get(&LEVEL)?,
            format: values.get(&FORMAT)?,
            service: values.get(&SERVICE)?.into(),
            requests: values.get(&REQUESTS)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_documentation_says() {
        let settings = LogSettings::read(&Values::defaults(&LOG_SECTION)).unwrap();
        assert_eq!((settings.level.as_str(), settings.format), ("info", Format::Auto));
        assert_eq!((&*settings.service, settings.requests), ("seawall", true));
    }

    #[test]
    fn every_default_passes_its_own_check() {
        for field in LOG_SECTION.fields {
            assert_eq!(field.check(&field.default.raw().unwrap()), Ok(()), "{}", field.key);
        }
    }
}
