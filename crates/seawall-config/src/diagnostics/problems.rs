//! Collecting mistakes, and the finished list of them.

use super::Diagnostic;

/// Diagnostics that are kept; the rest is counted.
const SHOWN: usize = 50;

/// Every mistake in a configuration: at least one, in the order of the file.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Diagnostics {
    shown: Vec<Diagnostic>,
    hidden: usize,
}

impl Diagnostics {
    /// The diagnostics, at most fifty.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.shown.iter()
    }

    /// How many more there are.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.hidden
    }
}

/// Mistakes found so far.
#[derive(Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
    more: usize,
}

impl Problems {
    /// Adds a mistake; it is not even put into words when there are too many.
    pub(crate) fn add(&mut self, diagnostic: impl FnOnce() -> Diagnostic) {
        if self.found.len() < SHOWN {
            self.found.push(diagnostic());
        } else {
            self.more += 1;
        }
    }

    /// The value, or all mistakes when there are any.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, Diagnostics> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_cached_key(|diagnostic| match diagnostic.location() {
            Some(location) => (0, location.source, location.span.start),
            None => (1, diagnostic.setting().unwrap_or("\u{10ffff}").to_owned(), 0),
        });
        Err(Diagnostics { shown: self.found, hidden: self.more })
    }
}
