//! Quotas as words: `"100/min per ip"`, `"1000/hour per org"`, `"30/min per user for unsafe methods"`.

use std::fmt;

use http::Method;

use crate::settings::{Raw, Setting, Shape, Span};

/// So many requests in a window, counted by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests accepted in any window.
    pub limit: u32,
    /// The window.
    pub window: Span,
    /// Whose requests are counted together.
    pub per: Per,
    /// Which requests count.
    pub methods: Methods,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// The client's address; IPv6 by /64.
    Ip,
    /// The person: the one who signed in, or whose key or device it is.
    User,
    /// The API key or device.
    Key,
    /// The organisation.
    Organisation,
}

impl Per {
    const ALL: [Self; 4] = [Self::Ip, Self::User, Self::Key, Self::Organisation];

    const fn word(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::User => "user",
            Self::Key => "key",
            Self::Organisation => "org",
        }
    }

    /// Whether it is known only once it is known who asks.
    #[must_use]
    pub const fn principal(self) -> bool {
        !matches!(self, Self::Ip)
    }
}

/// Which requests a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// All.
    Any,
    /// All but GET, HEAD, OPTIONS and TRACE (RFC 9110 section 9.2.1).
    Unsafe,
}

impl Methods {
    /// Whether a request of this method counts.
    #[must_use]
    pub fn count(self, method: &Method) -> bool {
        self == Self::Any || !method.is_safe()
    }
}

const SHORTEST: Span = Span::from_ms(1_000);
const LONGEST: Span = Span::from_ms(31 * 86_400_000);
/// How much of what is no rate is shown.
const LONGEST_SHOWN: usize = 64;
const UNSAFE: &str = " for unsafe methods";

impl Quota {
    /// Reads a quota.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "\"{text}\" is not a limit; write requests, a slash and a window, such as \"100/min per ip\" or \"5/15min per ip\""
            )
        };
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (words, methods) = match words.strip_suffix(UNSAFE) {
            Some(rest) => (rest, Methods::Unsafe),
            None => (words.as_str(), Methods::Any),
        };
        let (rate, per) = words
            .split_once(" per ")
            .ok_or_else(|| format!("\"{text}\" does not say whose requests are counted; write \"{words} per ip\""))?;
        let known = Per::ALL.into_iter().find(|known| known.word() == per);
        let per = known.ok_or_else(|| {
            format!("\"per {per}\" is not known; write \"per ip\", \"per user\", \"per key\" or \"per org\"")
        })?;
        Self::of(rate, per, methods).map_err(|fault| fault.unwrap_or_else(malformed))
    }

    /// Reads the rate of one API key: `"100/min"`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse_for_key(text: &str) -> Result<Self, String> {
        Self::of(text.trim(), Per::Key, Methods::Any).map_err(|fault| {
            fault.unwrap_or_else(|| {
                let shown = text.chars().take(LONGEST_SHOWN).collect::<String>();
                format!("\"{shown}\" is not a rate; write requests, a slash and a window, such as \"100/min\"")
            })
        })
    }

    /// A quota of this rate; without a sentence, it is none.
    fn of(rate: &str, per: Per, methods: Methods) -> Result<Self, Option<String>> {
        let (limit, window) = rate.split_once('/').ok_or(None)?;
        let limit = limit.trim().replace(['_', ','], "").parse::<u32>().map_err(|_| None)?;
        let window = Span::parse(window).ok_or(None)?;
        if limit == 0 {
            return Err(Some(format!("\"{rate}\" allows nothing; a limit is at least 1")));
        }
        if !(SHORTEST..=LONGEST).contains(&window) {
            return Err(Some(format!("the window of \"{rate}\" must be between 1s and 31 days")));
        }
        Ok(Self { limit, window, per, methods })
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = self.window.to_string();
        let window = match window.strip_prefix('1') {
            Some(unit) if unit.starts_with(|c: char| c.is_ascii_alphabetic()) => unit,
            _ => &window,
        };
        write!(f, "{}/{window} per {}", self.limit, self.per.word())?;
        if self.methods == Methods::Unsafe {
            f.write_str(UNSAFE)?;
        }
        Ok(())
    }
}

impl Setting for Quota {
    const SHAPE: Shape = Shape::Text("limit", "100/min per ip");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a limit as text, such as \"100/min per ip\", found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_read_and_print_as_people_write_them() {
        for (text, printed) in [
            ("100/min per ip", "100/min per ip"),
            ("5/15min per ip", "5/15min per ip"),
            ("1,000 / 1 day  per ip", "1000/day per ip"),
            ("200/h per ip", "200/h per ip"),
            ("10/10s per ip", "10/10s per ip"),
            ("100/min per ip for unsafe methods", "100/min per ip for unsafe methods"),
            ("30/min per user", "30/min per user"),
            ("60 / minute per key", "60/min per key"),
            ("1000/hour per org for unsafe methods", "1000/h per org for unsafe methods"),
        ] {
            let quota = Quota::parse(text).unwrap();
            assert_eq!(quota.to_string(), printed);
            assert_eq!(Quota::parse(printed), Ok(quota));
        }
    }

    #[test]
    fn the_rate_of_a_key_says_no_more_than_how_often() {
        let rate = Quota::parse_for_key(" 1,000/h ").unwrap();
        assert_eq!((rate.limit, rate.per, rate.to_string()), (1_000, Per::Key, "1000/h per key".to_owned()));
        for bad in ["", "100", "100/min per ip", "0/min", "x/min", "5/1ms"] {
            assert!(Quota::parse_for_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, part) in [
            ("100", "does not say whose"),
            ("100/min", "write \"100/min per ip\""),
            ("100/min per head", "\"per head\" is not known; write \"per ip\", \"per user\""),
            ("0/min per ip", "allows nothing"),
            ("x/min per ip", "is not a limit"),
            ("5/fortnight per ip", "is not a limit"),
            ("5/1ms per ip", "between 1s and 31 days"),
        ] {
            let error = Quota::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn unsafe_methods_are_those_that_change_something() {
        assert!(Methods::Unsafe.count(&Method::POST) && Methods::Unsafe.count(&Method::DELETE));
        assert!(
            !Methods::Unsafe.count(&Method::GET)
                && !Methods::Unsafe.count(&Method::HEAD)
                && !Methods::Unsafe.count(&Method::OPTIONS)
        );
    }
}
