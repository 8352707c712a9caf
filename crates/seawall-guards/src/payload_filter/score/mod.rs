//! How much a text looks like an attack: pure, in linear time, and without allocation for text that is plain.
//!
//! A text is looked at as it came and with up to four layers of encoding undone (`decode`). What is looked for is structure: SQL
//! that goes on after a value ended (`sql`), markup that runs code (`xss`), paths that climb (`path`), shell commands that follow a
//! value (`command`). A word alone says nothing: people write about `select`, and their programs hold it.

mod command;
mod decode;
mod path;
mod reader;
mod sql;
mod xss;

/// Layers of encoding that are undone. Each is one pass over text that only gets shorter.
const MOST_LAYERS: usize = 4;

/// A text with more points than this has so many.
const MOST_POINTS: u8 = 10;

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// SQL injection.
    Sql,
    /// Cross-site scripting.
    Xss,
    /// Path traversal.
    Path,
    /// Shell commands.
    Command,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sql, Self::Xss, Self::Path, Self::Command];

    /// The word in configuration, logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Xss => "xss",
            Self::Path => "path",
            Self::Command => "command",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sql => "SQL injection",
            Self::Xss => "cross-site scripting",
            Self::Path => "path traversal",
            Self::Command => "a shell command",
        }
    }
}

/// Some classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// All of them.
    pub const ALL: Self = Self(0b1111);

    /// These.
    #[must_use]
    pub fn of(classes: &[Class]) -> Self {
        Self(classes.iter().fold(0, |bits, &class| bits | 1 << class as u8))
    }

    const fn holds(self, class: Class) -> bool {
        self.0 & (1 << class as u8) != 0
    }
}

/// What was found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The class.
    pub class: Class,
    /// The rule that weighed most.
    pub rule: &'static str,
    /// From 1 to 10.
    pub points: u8,
}

/// The strongest finding of these classes.
#[must_use]
pub fn strongest(text: &[u8], classes: Classes) -> Option<Found> {
    if plain(text) {
        return None;
    }
    let mut best = of_form(text, false, classes, None);
    let mut form = decode::undone(text);
    for _ in 0..MOST_LAYERS {
        let Some(text) = form else { break };
        best = of_form(&text, true, classes, best);
        form = decode::undone(&text);
    }
    best
}

/// Whether nothing can be found, seen without looking closer: letters, spaces and what prose is made of.
fn plain(text: &[u8]) -> bool {
    let begins_as_value = text.trim_ascii_start().first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    !begins_as_value && text.iter().all(|&byte| quiet(byte)) && !sql::begins_with_keyword(text)
}

const fn quiet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b',' | b'-' | b'_' | b':' | b'!' | b'?' | b'@' | b'~')
}

fn of_form(text: &[u8], encoded: bool, classes: Classes, best: Option<Found>) -> Option<Found> {
    let mut best = best;
    for class in Class::ALL.into_iter().filter(|class| classes.holds(*class)) {
        let points = match class {
            Class::Sql => sql::points(text),
            Class::Xss => xss::points(text),
            Class::Path => path::points(text, encoded),
            Class::Command => command::points(text),
        };
        let points_before = best.map_or(0, |found| found.points);
        if points.sum > points_before {
            best = Some(Found { class, rule: points.rule, points: points.sum.min(MOST_POINTS) });
        }
    }
    best
}

/// Points of one class for one form of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Points {
    sum: u8,
    most: u8,
    rule: &'static str,
}

impl Points {
    fn add(&mut self, rule: &'static str, points: u8) {
        self.sum = self.sum.saturating_add(points);
        if points > self.most {
            (self.most, self.rule) = (points, rule);
        }
    }

    /// The greater of the two.
    const fn or(self, other: Self) -> Self {
        if other.sum > self.sum { other } else { self }
    }
}
