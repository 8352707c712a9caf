//! Why an application is not started, or not replaced.

use std::{fmt::Write, io, time::Duration};

/// Why an application is not started, or not replaced.
#[derive(Debug, thiserror::Error)]
pub enum SupervisedError {
    /// Variables that it cannot do without.
    #[error("the application needs variables that are not set: {}", .0.join(", "))]
    MissingVariables(Vec<String>),
    /// No way for its output into the log.
    #[error("the application's output cannot be taken to the log")]
    Output(#[source] io::Error),
    /// No free port.
    #[error("no free port can be found for the application")]
    Port(#[source] io::Error),
    /// The program cannot be run.
    #[error("cannot start {program}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What runs before it failed.
    #[error("before_start {what}, so the application is not started{}", told(.said))]
    BeforeStart {
        /// How it ended.
        what: String,
        /// Its last lines.
        said: Vec<String>,
    },
    /// It ended while it was waited for.
    #[error("the application ended with {status} before it was ready{}", told(.said))]
    EndedEarly {
        /// How it ended.
        status: String,
        /// Its last lines.
        said: Vec<String>,
    },
    /// It took too long.
    #[error("the application was not ready within {limit:?}: {last}{}", told(.said))]
    NotReady {
        /// How long it was waited for.
        limit: Duration,
        /// What the last look at it found.
        last: String,
        /// Its last lines.
        said: Vec<String>,
    },
    /// It has one port only.
    #[error("the application has a fixed port, so a second one cannot run beside it")]
    FixedPort,
    /// The proxy cannot be told another address.
    #[error("requests cannot be led to another address")]
    NoPlacement,
    /// It is being started, replaced or stopped already.
    #[error("the application is just being {0}")]
    Busy(&'static str),
}

impl SupervisedError {
    /// The exit code: 64 for what the operator left out, 69 for an application that does not start.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::MissingVariables(_) => 64,
            Self::Output(_) => 70,
            _ => 69,
        }
    }

    /// What to do about it, when there is something to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::MissingVariables(names) => {
                let first = names.first().map_or("NAME", String::as_str);
                format!(
                    "set each in the environment that seawall is started with, such as: export {first}=…; or take it out of `required` in [app.env]"
                )
            }
            Self::Spawn { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "see that the program is installed and in PATH, and that `directory` in [app] exists".to_owned()
            }
            Self::BeforeStart { .. } => "run it by itself to see what it needs; it is `before_start` in [app]".to_owned(),
            Self::EndedEarly { .. } => "start it without Seawall to see what it needs".to_owned(),
            Self::NotReady { .. } => {
                "it must listen on 127.0.0.1 and the port in the variable PORT (`port` and `port_variable` in [app] say otherwise); give it longer with `ready_timeout`".to_owned()
            }
            Self::FixedPort => "take `port` out of [app] and let it listen on the port in the variable PORT".to_owned(),
            Self::Busy(_) => "wait until that is done; see it with: seawall app status".to_owned(),
            Self::Output(_) | Self::Port(_) | Self::Spawn { .. } | Self::NoPlacement => return None,
        })
    }
}

/// The last lines of what it said, each on a line of its own.
fn told(said: &[String]) -> String {
    if said.is_empty() {
        return "; it said nothing".to_owned();
    }
    let mut text = "; its last lines:".to_owned();
    for line in said {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "\n  │ {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_happened_and_what_to_do() {
        let said = || vec!["Error: listen EADDRINUSE".to_owned(), "    at Server".to_owned()];
        let missing = SupervisedError::MissingVariables(vec!["A".to_owned(), "B".to_owned()]);
        assert_eq!(missing.to_string(), "the application needs variables that are not set: A, B");
        assert_eq!((missing.exit_code(), missing.help().is_some_and(|help| help.contains("export A="))), (64, true));
        let early = SupervisedError::EndedEarly { status: "exit code 1".to_owned(), said: said() };
        assert_eq!(
            early.to_string(),
            "the application ended with exit code 1 before it was ready; its last lines:\n  │ Error: listen EADDRINUSE\n  │     at Server"
        );
        let silent = SupervisedError::BeforeStart { what: "took longer than 1s".to_owned(), said: Vec::new() };
        assert_eq!(
            silent.to_string(),
            "before_start took longer than 1s, so the application is not started; it said nothing"
        );
        assert_eq!((early.exit_code(), silent.exit_code()), (69, 69));
    }
}
