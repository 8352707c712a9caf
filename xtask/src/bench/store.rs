//! `cargo xtask bench store`: durable transactions per second of the store, beside the bare drivers on the same disk.

use std::{path::PathBuf, process::Command};

use super::scratch::Scratch;
use crate::{failure::Failure, terminal, workspace};

/// What a flush takes longer in the second run, in microseconds: about what a cloud disk takes.
const SLOWER_US: u32 = 2_000;

const USAGE: &str = "\
Usage: cargo xtask bench store [--seconds N] [--postgres URL]

Durable single-row transactions per second with 1, 16 and 256 callers, beside rusqlite with one transaction a commit on the same
disk; then the same with each flush 2 ms slower, when strace is installed. With a PostgreSQL URL the same there, beside the bare
driver on ten connections. Ratios count; the machine's disk and cores are in all of them.

Exit code: 0, or 64 for wrong arguments, 70 when a measurement failed.";

/// Runs the bench.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let (mut seconds, mut postgres) = ("2", None);
    let mut rest = words;
    loop {
        match rest {
            [] => break,
            ["--help" | "-h", ..] => {
                terminal::say(USAGE);
                return Ok(());
            }
            ["--seconds", number, more @ ..] if number.parse::<u32>().is_ok_and(|number| number > 0) => {
                (seconds, rest) = (*number, more);
            }
            ["--postgres", url, more @ ..] => (postgres, rest) = (Some(*url), more),
            _ => return Err(Failure::usage(USAGE)),
        }
    }
    let program = build()?;
    measure(&mut Command::new(&program), seconds, postgres)?;
    let traces = Command::new("strace").arg("-V").output().is_ok_and(|said| said.status.success());
    if !traces {
        terminal::progress("strace is not installed, so no slower disk is tried. Run: apt-get install strace");
        return Ok(());
    }
    terminal::say(&format!("\nThe same with {} ms added to each flush:", SLOWER_US / 1_000));
    let mut slower = Command::new("strace");
    // Only flushes stop for the tracer; all else runs at full speed.
    slower.args(["-f", "--seccomp-bpf", "-qq", "-e", "trace=fdatasync,fsync"]);
    slower.args(["-e", &format!("inject=fdatasync,fsync:delay_exit={SLOWER_US}"), "-o", "/dev/null"]).arg(&program);
    measure(&mut slower, seconds, None)
}

fn build() -> Result<PathBuf, Failure> {
    terminal::progress("building the measurement in release mode");
    let arguments = ["build", "--release", "-p", "seawall-store", "--example", "throughput"];
    let built = Command::new("cargo").args(arguments).current_dir(workspace::root()).status();
    let program = workspace::target_directory()?.join("release/examples/throughput");
    if built.is_ok_and(|status| status.success()) && program.is_file() {
        return Ok(program);
    }
    Err(Failure::broken("the measurement could not be built".to_owned()))
}

fn measure(command: &mut Command, seconds: &str, postgres: Option<&str>) -> Result<(), Failure> {
    let scratch = Scratch::create()?;
    let ran = command.arg(scratch.fresh("store")?).arg(seconds).args(postgres).status();
    if ran.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::broken("a measurement failed; what it said is above".to_owned()))
}
