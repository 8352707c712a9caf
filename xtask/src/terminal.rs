//! The only place that prints: results on standard output, progress and complaints on standard error.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to the person who started it"
)]

/// A result, for the reader or for the next program.
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// What is being done, so that a person who waits knows why.
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}

/// Why the command failed.
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}
