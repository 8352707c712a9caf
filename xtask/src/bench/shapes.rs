//! `cargo xtask bench shapes`: what reading a byte of a body costs, and looking at it, and that it is the same for small and large bodies.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{callgrind, instructions, scratch::Scratch};
use crate::{failure::Failure, terminal, workspace};

const USAGE: &str = "\
Usage: cargo xtask bench shapes [--check] [--profile PROFILE]

Nanoseconds per byte of the readers behind the guards `json` and `form`, and of whole looks of guards at JSON bodies (with `json-tree`, which
reads it, in `schema` and `payload_filter`; `payload_filter-tag` is one text, a tag of very many attributes), and at answers that are compared
with their document (`answers`, up to 1 MiB), for bodies from 1 KB to 10 MB. With --check instructions per byte, which valgrind's callgrind
counts: it ends with 1 when a byte of 10 MB costs more than 1.1 times one of 10 KB.
  --profile PROFILE  what the measurements are built with (release)

Exit code: 0, or 1 with --check, 64 for wrong arguments, 69 when valgrind is missing, 70 when a measurement failed.";

/// A program that measures, and what it measures.
struct Measured {
    package: &'static str,
    example: &'static str,
    kinds: &'static [&'static str],
}

const MEASURED: [Measured; 2] = [
    Measured {
        package: "seawall-core",
        example: "shapes",
        kinds: &["json", "json-order", "json-text", "form", "multipart", "multipart-file"],
    },
    Measured {
        package: "seawall-guards",
        example: "looks",
        kinds: &[
            "json-tree",
            "schema",
            "payload_filter",
            "payload_filter-tag",
            "hmac",
            "ed25519",
            "idempotency",
            "answers",
        ],
    },
];
const SIZES: [u64; 3] = [10_000, 1_000_000, 10_000_000];

/// Thousandths.
const MOST_TIMES: u64 = 1_100;

/// Runs the bench.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    if matches!(words, ["--help" | "-h", ..]) {
        terminal::say(USAGE);
        return Ok(());
    }
    let (counts, profile) = parse(words)?;
    let programs = MEASURED.iter().map(|measured| build(measured, profile)).collect::<Result<Vec<_>, _>>()?;
    for program in &programs {
        if !Command::new(program).status().is_ok_and(|status| status.success()) {
            return Err(Failure::broken("a measurement failed; what it said is above"));
        }
    }
    if counts { check(&programs) } else { Ok(()) }
}

/// Whether to count, and the profile.
fn parse<'w>(words: &[&'w str]) -> Result<(bool, &'w str), Failure> {
    let (mut counts, mut profile) = (false, "release");
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--check" => counts = true,
            "--profile" => profile = words.next().copied().ok_or_else(|| Failure::usage(USAGE))?,
            _ => return Err(Failure::usage(USAGE)),
        }
    }
    Ok((counts, profile))
}

fn build(measured: &Measured, profile: &str) -> Result<PathBuf, Failure> {
    let Measured { package, example, .. } = measured;
    terminal::progress(&format!("building {example} with the profile {profile}"));
    let arguments = ["build", "--profile", profile, "-p", package, "--example", example];
    let built = Command::new("cargo").args(arguments).current_dir(workspace::root()).status();
    let program = workspace::target_directory()?.join(profile).join("examples").join(example);
    if built.is_ok_and(|status| status.success()) && program.is_file() {
        return Ok(program);
    }
    Err(Failure::broken("the measurement could not be built"))
}

fn check(programs: &[PathBuf]) -> Result<(), Failure> {
    instructions::needs_valgrind()?;
    let scratch = Scratch::create()?;
    let mut grows = Vec::new();
    terminal::say("\ninstructions per 1,000 bytes");
    for (program, measured) in programs.iter().zip(&MEASURED) {
        for kind in measured.kinds {
            let mut costs = Vec::new();
            for size in SIZES {
                costs.push(per_thousand(program, &scratch, kind, size)?);
            }
            let row: String = costs.iter().map(|cost| format!(" {cost:>10}")).collect();
            terminal::say(&format!("{kind:<16}{row}"));
            if grown(&costs) {
                grows.push(*kind);
            }
        }
    }
    if grows.is_empty() {
        Ok(())
    } else {
        Err(Failure::found(format!("shapes: a byte costs more in large bodies: {}", grows.join(", "))))
    }
}

fn grown(costs: &[u64]) -> bool {
    costs.first().zip(costs.last()).is_some_and(|(small, large)| large * 1_000 > small * MOST_TIMES)
}

/// The difference of reading a body three times and once: its making and the program's start are in both.
fn per_thousand(program: &Path, scratch: &Scratch, kind: &str, size: u64) -> Result<u64, Failure> {
    let count = |times: &str| {
        let file = scratch.fresh("shapes")?.join("callgrind.out");
        let mut command = Command::new("valgrind");
        command.args(["-q", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", file.display()));
        let ran = command.arg(program).args([kind, &size.to_string(), times]).status();
        if !ran.is_ok_and(|status| status.success()) {
            return Err(Failure::broken("a measurement under callgrind failed"));
        }
        let text = std::fs::read_to_string(&file).map_err(|error| Failure::io("read", &file, &error))?;
        let profile =
            callgrind::parse(&text).ok_or_else(|| Failure::broken("callgrind wrote something else than expected"))?;
        Ok(profile.total)
    };
    let (once, thrice) = (count("1")?, count("3")?);
    Ok(thrice.saturating_sub(once) * 1_000 / 2 / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_grows_beyond_a_tenth_is_found() {
        assert!(grown(&[1_000, 1_050, 1_101]));
        assert!(!grown(&[1_000, 2_000, 1_100]) && !grown(&[]));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(run(&["--seconds"]).is_err() && run(&["--profile"]).is_err());
        assert_eq!(parse(&["--check", "--profile", "profiling"]).unwrap(), (true, "profiling"));
    }
}
