//! Paces as words: `"6000/min"` messages, `"100 MB/min"` bytes.

use std::fmt;

use super::{Methods, Per, Quota};
use crate::settings::{Raw, Setting, Shape, Size, Span};

/// So many messages in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePace {
    /// Messages in any window.
    pub messages: u32,
    /// The window.
    pub window: Span,
}

/// So many bytes in a window, counted in whole kibibytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytePace {
    /// Bytes in any window.
    pub bytes: Size,
    /// The window.
    pub window: Span,
}

const SHORTEST: Span = Span::from_ms(1_000);
const LONGEST: Span = Span::from_ms(86_400_000);
const KIBIBYTE: u64 = 1_024;

impl MessagePace {
    /// As a quota that counts messages.
    #[must_use]
    pub const fn quota(self) -> Quota {
        Quota { limit: self.messages, window: self.window, per: Per::Ip, methods: Methods::Any }
    }
}

impl BytePace {
    /// As a quota that counts kibibytes.
    #[must_use]
    pub fn quota(self) -> Quota {
        let limit = u32::try_from(self.bytes.bytes() / KIBIBYTE).unwrap_or(u32::MAX);
        Quota { limit, window: self.window, per: Per::Ip, methods: Methods::Any }
    }
}

/// Splits a pace into its amount and its window.
fn parse<'a>(text: &'a str, example: &str) -> Result<(&'a str, Span), String> {
    let malformed =
        || format!("\"{text}\" is not a pace; write an amount, a slash and a window, such as \"{example}\"");
    let (amount, window) = text.split_once('/').ok_or_else(malformed)?;
    let window = Span::parse(window).ok_or_else(malformed)?;
    if !(SHORTEST..=LONGEST).contains(&window) {
        return Err(format!("the window of \"{text}\" must be between 1s and 1 day"));
    }
    Ok((amount.trim(), window))
}

/// The window without a leading 1: `min` for `1min`.
fn window(window: Span) -> String {
    let text = window.to_string();
    match text.strip_prefix('1') {
        Some(unit) if unit.starts_with(|c: char| c.is_ascii_alphabetic()) => unit.to_owned(),
        _ => text,
    }
}

impl Setting for MessagePace {
    const SHAPE: Shape = Shape::Text("pace", "6000/min");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a pace as text, such as \"6000/min\", found {}", raw.kind()));
        };
        let (amount, window) = parse(text, "6000/min")?;
        match amount.replace(['_', ','], "").parse() {
            Ok(messages) if messages > 0 => Ok(Self { messages, window }),
            _ => Err(format!("\"{amount}\" is not a number of messages from 1 on")),
        }
    }
}

impl Setting for BytePace {
    const SHAPE: Shape = Shape::Text("byte pace", "100 MB/min");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a pace as text, such as \"100 MB/min\", found {}", raw.kind()));
        };
        let (amount, window) = parse(text, "100 MB/min")?;
        let bytes = Size::read(&Raw::Text(amount.to_owned()))?;
        if bytes.bytes() < KIBIBYTE {
            return Err(format!("\"{text}\" is less than 1 KiB"));
        }
        Ok(Self { bytes, window })
    }
}

impl fmt::Display for MessagePace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.messages, window(self.window))
    }
}

impl fmt::Display for BytePace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bytes, window(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn paces_read_as_people_write_them() {
        let messages = MessagePace::read(&text("6_000/min")).unwrap();
        assert_eq!((messages.to_string().as_str(), messages.quota().limit), ("6000/min", 6_000));
        let bytes = BytePace::read(&text("10 MiB/10s")).unwrap();
        assert_eq!((bytes.to_string().as_str(), bytes.quota().limit), ("10 MiB/10s", 10 * 1_024));
    }

    #[test]
    fn what_is_no_pace_is_refused_with_an_example() {
        for (wrong, part) in [
            ("6000", "a slash"),
            ("0/min", "from 1 on"),
            ("x/min", "from 1 on"),
            ("5/moment", "is not a pace"),
            ("5/2days", "1 day"),
            ("5/100ms", "1s"),
        ] {
            let error = MessagePace::read(&text(wrong)).unwrap_err();
            assert!(error.contains(part), "{wrong}: {error}");
        }
        assert!(BytePace::read(&text("10 B/min")).unwrap_err().contains("1 KiB"));
        assert!(BytePace::read(&text("10/min")).is_err());
    }
}
