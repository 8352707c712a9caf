//! What a reload changes, or why it does not: for the log, for people, for programs.

use seawall_config::{Change, Colour};
use serde_json::{Value, json};

use crate::app::{AppError, SourceError};

/// What a configuration changes in the one that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Keys that a reload takes over.
    pub changed: Vec<Change>,
    /// Keys that only a restart takes over.
    pub needs_restart: Vec<Change>,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The configuration has mistakes, or a file of it cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Unusable(#[from] AppError),
    /// Whether Seawall starts the application would change.
    #[error("whether Seawall starts the application or it runs by itself is changed by a restart only")]
    OtherKind,
    /// The configuration was not read from files.
    #[error("this configuration was not read from a file, so there is nothing to read again")]
    Fixed,
    /// The server finishes.
    #[error("the server is finishing; the next one begins with the configuration as it is then")]
    Ending,
    /// A fault of ours.
    #[error("the reload ended by a fault of its own; the log says where")]
    Died,
}

impl Difference {
    /// What differs between the configuration that was read and the one that runs.
    #[must_use]
    pub fn of(changes: Vec<Change>) -> Self {
        let (needs_restart, changed) = changes.into_iter().partition(|change| change.needs_restart);
        Self { changed, needs_restart }
    }

    /// Whether nothing differs.
    #[must_use]
    pub const fn nothing(&self) -> bool {
        self.changed.is_empty() && self.needs_restart.is_empty()
    }

    /// The keys that need a restart, in one line.
    #[must_use]
    pub fn restart_keys(&self) -> String {
        self.needs_restart.iter().map(|change| change.key.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// `{"changed": […], "needs_restart": […]}`; each has `key`, `kind`, `old` and `new`.
    #[must_use]
    pub fn json(&self) -> Value {
        let all = |changes: &[Change]| changes.iter().map(change_json).collect::<Vec<_>>();
        json!({ "changed": all(&self.changed), "needs_restart": all(&self.needs_restart) })
    }
}

fn change_json(change: &Change) -> Value {
    let kind = match (&change.old, &change.new) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    json!({ "key": change.key, "kind": kind, "old": change.old, "new": change.new })
}

impl Refusal {
    /// Whether the configuration is at fault, and not the moment.
    #[must_use]
    pub const fn of_configuration(&self) -> bool {
        matches!(self, Self::Source(_) | Self::Unusable(_) | Self::OtherKind)
    }

    /// The first mistake with its place, and how many there are.
    #[must_use]
    pub fn first(&self) -> (String, usize) {
        let Self::Source(SourceError::Mistakes(mistakes)) = self else { return (chain(self), 1) };
        let first = mistakes.iter().next().map(|first| match first.location() {
            Some(location) => format!("{}:{}: {}", location.source, location.line, first.message()),
            None => first.message().to_owned(),
        });
        (first.unwrap_or_default(), mistakes.iter().count() + mistakes.hidden())
    }

    /// All mistakes, as `seawall check` shows them.
    #[must_use]
    pub fn text(&self) -> String {
        let help = match self {
            Self::Source(SourceError::Mistakes(mistakes)) => {
                let mut text = String::new();
                // Writing to a string cannot fail.
                let _infallible = mistakes.render(&mut text, Colour::Plain);
                return text;
            }
            Self::Source(SourceError::Unreadable { .. }) => {
                Some("see that the file is there and may be read".to_owned())
            }
            Self::Unusable(error) => error.help(),
            Self::OtherKind => Some("restart it; or undo the change of [app] command or [upstream] url".to_owned()),
            Self::Fixed | Self::Ending | Self::Died => None,
        };
        let help = help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("error: {}{help}\n", chain(self))
    }

    /// `{"diagnostics": […], "hidden": n}`, as `seawall check --json` has it.
    #[must_use]
    pub fn diagnostics(&self) -> Value {
        match self {
            Self::Source(SourceError::Mistakes(mistakes)) => mistakes.to_json(),
            other => json!({ "diagnostics": [{ "code": "unusable", "message": chain(other) }], "hidden": 0 }),
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
