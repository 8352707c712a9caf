//! For imports: which format a stored password is in, and how many there are of each.

use std::{collections::BTreeMap, fmt};

use super::{Format, PasswordError, Stored};

/// The format of a stored password.
///
/// # Errors
/// Says why it is not known, or known and of no use.
pub fn detect(text: &str) -> Result<Format, PasswordError> {
    Stored::parse(text).map(|stored| stored.format())
}

/// How many stored passwords there are of each format, and how many that cannot be used, by reason. Bounded, whatever is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatReport {
    formats: BTreeMap<Format, u64>,
    refused: BTreeMap<Reason, u64>,
}

/// Why a stored password cannot be used, without what differs from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Unknown(&'static str),
    Unsupported(&'static str),
    Malformed(Format),
    TooExpensive(Format),
    Other,
}

impl FormatReport {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one, and gives it back, read.
    ///
    /// # Errors
    /// It cannot be used; that is counted too.
    pub fn read(&mut self, text: &str) -> Result<Stored, PasswordError> {
        let stored = Stored::parse(text);
        match &stored {
            Ok(stored) => *self.formats.entry(stored.format()).or_default() += 1,
            Err(error) => *self.refused.entry(Reason::of(error)).or_default() += 1,
        }
        stored
    }

    /// How many there are of each format.
    pub fn formats(&self) -> impl Iterator<Item = (Format, u64)> {
        self.formats.iter().map(|(format, count)| (*format, *count))
    }

    /// The format that most are in.
    #[must_use]
    pub fn dominant(&self) -> Option<Format> {
        self.formats().max_by_key(|(_, count)| *count).map(|(format, _)| format)
    }

    /// How many cannot be used.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.values().sum()
    }
}

impl Reason {
    fn of(error: &PasswordError) -> Self {
        match error {
            PasswordError::Unknown(why) => Self::Unknown(why),
            PasswordError::Unsupported(what) => Self::Unsupported(what),
            PasswordError::Malformed { format, .. } => Self::Malformed(*format),
            PasswordError::TooExpensive { format, .. } => Self::TooExpensive(*format),
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => write!(f, "not known: {why}"),
            Self::Unsupported(what) => write!(f, "not supported: {what}"),
            Self::Malformed(format) => write!(f, "not whole: {format}"),
            Self::TooExpensive(format) => write!(f, "too expensive: {format}"),
            Self::Other => f.write_str("not usable"),
        }
    }
}

/// A line for each format and for each reason, the most frequent first.
impl fmt::Display for FormatReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut formats: Vec<_> = self.formats().collect();
        formats.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (format, count) in formats {
            writeln!(f, "{count:>10}  {format}")?;
        }
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in refused {
            writeln!(f, "{count:>10}  {}", reason.to_string().trim_end_matches(','))?;
        }
        Ok(())
    }
}
