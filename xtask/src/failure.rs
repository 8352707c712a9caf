//! Why a command ended early: a sentence for the person who started it, and the exit code its kind stands for.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// A command that could not do what was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// What was looked for was found: a rule is broken, a limit exceeded (1).
    pub(crate) fn found(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command was called wrongly (`EX_USAGE`, 64).
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 64, message: message.into() }
    }

    /// Something that has to be installed or built is not there (`EX_UNAVAILABLE`, 69).
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { code: 69, message: message.into() }
    }

    /// A step did not work, so nothing can be said (`EX_SOFTWARE`, 70).
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self { code: 70, message: message.into() }
    }

    /// A file or process operation that the system refused, with what was attempted.
    pub(crate) fn io(attempt: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::broken(format!("cannot {attempt} {}: {error}", path.display()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
