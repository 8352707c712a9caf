//! What a command says when it cannot do what was asked, and the exit code.

use std::io;

use seawall_config::{Colour, Diagnostics};

use crate::app::AppError;

/// Why a command failed.
#[derive(Debug)]
pub enum CliError {
    /// The arguments make no sense; the text says why.
    Usage(String),
    /// The configuration has mistakes.
    Configuration(Box<Diagnostics>, Json),
    /// Something is asked for that is not there.
    Missing(String),
    /// A check that is no mistake of the configuration file failed.
    Refused(String),
    /// A running server refused a configuration, and says why itself.
    Told(String),
    /// The application cannot run.
    App(AppError),
    /// An answer could not be written, or a file not read.
    Io(io::Error),
}

/// How mistakes are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Json {
    /// As JSON.
    Yes,
    /// As text.
    No,
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl CliError {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Configuration(..) | Self::Refused(_) | Self::Told(_) => 64,
            Self::Missing(_) => 69,
            Self::App(error) => error.exit_code(),
            Self::Io(_) => 70,
        }
    }

    /// What to show.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        match self {
            Self::Usage(text) | Self::Told(text) => text.clone(),
            Self::Configuration(diagnostics, Json::Yes) => format!("{}\n", diagnostics.to_json()),
            Self::Configuration(diagnostics, Json::No) => {
                let mut text = String::new();
                let colour = if colours { Colour::Ansi } else { Colour::Plain };
                // Writing to a string cannot fail.
                let _infallible = diagnostics.render(&mut text, colour);
                text
            }
            Self::Missing(text) | Self::Refused(text) => format!("error: {text}\n"),
            Self::App(error) => {
                let mut text = format!("error: {}", chain(error));
                if let Some(help) = error.help() {
                    text.push_str(&format!("\n  help: {help}"));
                }
                text + "\n"
            }
            Self::Io(error) => format!("error: {error}\n"),
        }
    }
}

impl CliError {
    /// What to show to programs: that it is not valid, and why.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Configuration(diagnostics, _) => {
                let mut json = diagnostics.to_json();
                if let Some(fields) = json.as_object_mut() {
                    fields.insert("valid".to_owned(), false.into());
                }
                json
            }
            other => serde_json::json!({ "valid": false, "error": other.render(false).trim_end() }),
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
