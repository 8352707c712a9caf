//! How much the process log says: one word, or directives per target.

use seawall_core::settings::{Raw, Setting, Shape};
use tracing_subscriber::filter::{ParseError, Targets};

/// A level, as configuration or `LOG_LEVEL` gives it: `info`, or `info,seawall_proxy=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

/// The words of a level; the configuration names the first four.
const WORDS: &[&str] = &["debug", "info", "warn", "error", "trace", "off"];

impl LogLevel {
    /// The level in `text`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let parts: Vec<&str> = lower.split(',').map(str::trim).collect();
        // A bare word that is no level would be read as a target at its most talkative.
        if !parts.iter().all(|part| WORDS.contains(part) || part.contains('=')) {
            return Err(format!(
                "\"{text}\" is not a log level; write debug, info, warn or error, or add targets as in \"info,seawall_proxy=debug\""
            ));
        }
        let directives = parts.join(",");
        match filter(&directives) {
            Ok(_) => Ok(Self(directives)),
            Err(error) => Err(format!("\"{text}\" is not a log level: {error}")),
        }
    }

    /// The level as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The filter for the subscriber.
    pub(crate) fn filter(&self) -> Targets {
        filter(&self.0).unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO))
    }
}

fn filter(directives: &str) -> Result<Targets, ParseError> {
    directives.parse()
}

impl Setting for LogLevel {
    const SHAPE: Shape = Shape::Text("log level", "info");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a log level as text, such as \"info\", found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_as_people_write_them() {
        for (text, kept) in [
            ("info", "info"),
            ("DEBUG", "debug"),
            (" warn ", "warn"),
            ("error", "error"),
            ("info,seawall_proxy=debug", "info,seawall_proxy=debug"),
            ("warn, hyper=off", "warn,hyper=off"),
        ] {
            assert_eq!(LogLevel::parse(text).as_ref().map(LogLevel::as_str), Ok(kept), "{text}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for text in ["", "verbose", "info,loud", "seawall=loud", "info,", "warning"] {
            assert!(LogLevel::parse(text).is_err(), "{text:?}");
        }
    }
}
