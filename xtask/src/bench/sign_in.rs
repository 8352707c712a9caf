//! `cargo xtask bench sign-in`: whether the time of a refusal tells who exists, or how a password is kept.

use std::process::Command;

use crate::{failure::Failure, terminal, workspace};

const USAGE: &str = "\
Usage: cargo xtask bench sign-in

After 256 refused sign-ins, by which the floor of failures settles, 2,000 in turns: users with argon2id, users with bcrypt, and two kinds of names that nobody has. For each pair it
prints how far the medians are apart and how likely that is by chance (Mann and Whitney); the last pair is of one kind, as a measure of the
machine's noise. On a quiet machine that takes about a quarter of an hour; hashing next to other work, several times as long. Let nothing else run:
what it measures is in milliseconds.

Exit code: 0, or 1 when a pair differs more than chance permits (p below 0.01).";

/// Runs the bench.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        [] => {}
        ["--help" | "-h"] => {
            terminal::say(USAGE);
            return Ok(());
        }
        _ => return Err(Failure::usage(USAGE)),
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--release", "-p", "seawall-identity", "--test", "people", "--"]);
    cargo.args(["--ignored", "--nocapture", "the_time_of_a_refusal"]);
    let status = cargo.current_dir(workspace::root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::found("a pair differs by more than chance, or a step failed; what it said is above")),
        Err(error) => Err(Failure::unavailable(format!("cargo cannot be run: {error}"))),
    }
}
