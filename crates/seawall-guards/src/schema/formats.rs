//! Formats of text: those that JSON Schema and OpenAPI name, core's rules for text (checklist WK-1), and whatever else is put in.

use seawall_core::{clock::Now, text_rules::Rule};

mod internet;
mod time;

pub(super) use time::date_in_future;

/// Decides whether text has a format, at this time.
pub type FormatCheck = fn(&str, Now) -> bool;

/// A format: its name, what is expected of text that has it, and the decision.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The value of `format` in a document.
    pub name: &'static str,
    /// What is expected, for people: `a date such as 2026-01-31`.
    pub expected: &'static str,
    /// The decision.
    pub check: FormatCheck,
}

/// The formats that are known. What a document names besides is no rule, as JSON Schema has it.
#[derive(Clone, Debug)]
pub struct Formats(Vec<Format>);

const STANDARD: [Format; 16] = [
    Format { name: "date", expected: "a date such as 2026-01-31", check: |text, _| time::date(text).is_some() },
    Format {
        name: "date-time",
        expected: "a time such as 2026-01-31T12:00:00Z",
        check: |text, _| time::date_time(text).is_some(),
    },
    Format { name: "time", expected: "a time of day such as 12:00:00Z", check: |text, _| time::time(text).is_some() },
    Format {
        name: "past-date",
        expected: "a date that is not in the future, such as 2026-01-31",
        check: |text, now| time::date(text).is_some() && !date_in_future(text, now),
    },
    Format { name: "email", expected: "an email address", check: |text, _| internet::email(text) },
    Format { name: "uuid", expected: "a UUID", check: |text, _| internet::uuid(text) },
    Format { name: "uri", expected: "a URI with its scheme", check: |text, _| internet::uri(text) },
    Format { name: "uri-reference", expected: "a URI or a part of one", check: |text, _| internet::reference(text) },
    Format { name: "ipv4", expected: "an IPv4 address", check: |text, _| text.parse::<std::net::Ipv4Addr>().is_ok() },
    Format { name: "ipv6", expected: "an IPv6 address", check: |text, _| text.parse::<std::net::Ipv6Addr>().is_ok() },
    Format { name: "hostname", expected: "a host name", check: |text, _| internet::hostname(text) },
    Format { name: "byte", expected: "base64", check: |text, _| internet::base64(text) },
    Format {
        name: Rule::Id.name(),
        expected: "an id: up to 128 letters of ASCII, digits and . _ ~ : -, without ..",
        check: |text, _| Rule::Id.check(text).is_ok(),
    },
    Format {
        name: Rule::String.name(),
        expected: "one line of text without control characters",
        check: |text, _| Rule::String.check(text).is_ok(),
    },
    Format {
        name: Rule::Text.name(),
        expected: "text without control characters other than line feeds and tabs",
        check: |text, _| Rule::Text.check(text).is_ok(),
    },
    Format {
        name: Rule::Path.name(),
        expected: "a relative path that stays below where it begins",
        check: |text, _| Rule::Path.check(text).is_ok(),
    },
];

impl Formats {
    /// Those of JSON Schema and OpenAPI, `past-date`, and core's rules for text under their own names, such as `safe_id`.
    #[must_use]
    pub fn standard() -> Self {
        Self(STANDARD.to_vec())
    }

    /// One more; it takes the place of one with the same name.
    #[must_use]
    pub fn with(mut self, format: Format) -> Self {
        self.0.retain(|known| known.name != format.name);
        self.0.push(format);
        self
    }

    pub(super) fn find(&self, name: &str) -> Option<Format> {
        self.0.iter().find(|format| format.name == name).copied()
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self::standard()
    }
}
