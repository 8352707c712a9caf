//! Where a value stands, and what of that an operator is told.

use std::{fmt, ops::Range, sync::Arc};

use crate::text::Text;

/// Where an effective value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody wrote it.
    Default,
    /// The preset of this name.
    Preset(String),
    /// This line of a file (the configuration file or `.env`).
    File {
        /// The file's name.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// The environment variable of this name.
    Variable(String),
    /// This option of the command line.
    CommandLine(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Variable(name) | Self::CommandLine(name) => f.write_str(name),
        }
    }
}

/// Where a value was written.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a text, under a key.
    Text { text: Arc<Text>, key: Range<usize>, value: Range<usize> },
    /// In an environment variable; `shown` is name and value as a message may show them.
    Variable { name: String, shown: String },
    /// In an option of the command line.
    Option { name: String, shown: String },
}

impl Place {
    /// What an operator is told about it.
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Text { text, key, .. } => match text.preset {
                Some(preset) => Source::Preset(preset.to_owned()),
                None => Source::File { name: text.name.clone(), line: text.line(key.start) },
            },
            Self::Variable { name, .. } => Source::Variable(name.clone()),
            Self::Option { name, .. } => Source::CommandLine(name.clone()),
        }
    }

    /// A part of this place's value, when it stands in a text.
    pub(crate) fn narrowed(&self, part: Range<usize>) -> Self {
        match self {
            Self::Text { text, key, .. } => Self::Text { text: text.clone(), key: key.clone(), value: part },
            other => other.clone(),
        }
    }
}
