//! `cargo xtask bench instructions`: how many instructions a request costs Seawall in user space, in all and by part.
//!
//! Counts do not change with what else the machine does, so they show small gains and losses that CPU time hides. They leave
//! out the system's share, and how long memory is waited for.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::callgrind::{self, Profile};
use super::measure::{Bench, PATH, ready_within};
use super::process::Running;
use super::programs::{self, Programs};
use super::rounds::{CONNECTIONS, Rounds};
use super::scratch::Scratch;
use super::upstream::Upstream;
use super::variants::{Place, Variant};
use crate::failure::Failure;
use crate::terminal;

const VARIANT: Variant = Variant::SeawallDefault;

/// Under callgrind a program takes some fifty times as long to start and to end, on a machine that others use longer still.
const SLOW: Duration = Duration::from_secs(120);

/// Rounds of requests before those that are counted: the first of each connection costs more.
const WARM_UP: u32 = 4;

/// Rounds that are counted.
const ROUNDS: u32 = 24;

const USAGE: &str = "\
Usage: cargo xtask bench instructions

Counts with valgrind's callgrind how many instructions of user space a request through Seawall's default guards costs, in all
and by part: the HTTP framing checker, each guard with what it calls, the request log. Over 32 kept connections.

Exit code: 0, or 64 for wrong arguments, 69 when valgrind is missing, 70 for an invalid run.";

/// Runs the bench and prints its table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        [] => {}
        ["--help" | "-h"] => {
            terminal::say(USAGE);
            return Ok(());
        }
        _ => return Err(Failure::usage(USAGE)),
    }
    needs_valgrind()?;
    let bench = bench()?;
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    terminal::say(&table(&of_request(&bench, &request, |_| Ok(()))?));
    Ok(())
}

/// Says what to install when it is not there.
pub(crate) fn needs_valgrind() -> Result<(), Failure> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok() {
        return Ok(());
    }
    let install = "apt-get install --no-install-recommends valgrind";
    Err(Failure::unavailable(format!("valgrind is not installed. Run: {install}")))
}

/// Seawall built with names for its functions, and an application.
pub(crate) fn bench() -> Result<Bench, Failure> {
    let programs = Programs::of_seawall(programs::build_seawall("profiling")?);
    Ok(Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers: 1, seconds: 0 })
}

/// What one request costs; `prepare` may put other configurations at the place where Seawall runs.
pub(crate) fn of_request(
    bench: &Bench,
    request: &str,
    prepare: impl Fn(&mut Place) -> Result<(), Failure>,
) -> Result<Profile, Failure> {
    terminal::progress(&format!("{} requests under callgrind", (WARM_UP + ROUNDS) * CONNECTIONS));
    let mut place = bench.place(VARIANT)?;
    prepare(&mut place)?;
    let file = place.folder.join("callgrind.out");
    let seawall = VARIANT.command(&bench.programs, &place)?;
    let seawall = seawall.ok_or_else(|| Failure::broken("there is no command that starts Seawall"))?;
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", file.display()));
    command.arg(seawall.get_program()).args(seawall.get_args()).current_dir(&place.folder);
    let errors = place.folder.join("errors.log");
    let mut proxy = Running::start(&mut command, &place.folder.join("output.log"), &errors)?;
    ready_within(SLOW, VARIANT, place.listen, Some(&mut proxy), &place.folder)?;
    let mut rounds = Rounds::open(place.listen, request)?;
    rounds.ask(WARM_UP)?;
    write_down(&proxy)?;
    rounds.ask(ROUNDS)?;
    write_down(&proxy)?;
    proxy.stop_within(SLOW);
    // The second file begins where the first ends.
    let counted = file.with_added_extension("2");
    let text = std::fs::read_to_string(&counted).map_err(|error| Failure::io("read", &counted, &error))?;
    let counted = callgrind::parse(&text);
    let counted = counted.ok_or_else(|| Failure::broken("callgrind wrote something else than expected"))?;
    Ok(per_request(&counted, u64::from(ROUNDS * CONNECTIONS)))
}

/// Has callgrind write down what it counted so far, and begin at nothing. What a start costs differs by some millions of instructions from
/// one to the next, since randomness is gathered from the processor's own.
fn write_down(program: &Running) -> Result<(), Failure> {
    let written = Command::new("callgrind_control").arg("--dump").arg(program.id().to_string()).output();
    match written {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure::broken(format!("callgrind_control failed: {}", said.trim())))
        }
        Err(error) => {
            Err(Failure::unavailable(format!("cannot run callgrind_control, which comes with valgrind: {error}")))
        }
    }
}

/// For one request.
fn per_request(counted: &Profile, requests: u64) -> Profile {
    let each = |cost: u64| cost / requests.max(1);
    let parts = counted.parts.iter().map(|(name, &cost)| (name.clone(), each(cost))).collect();
    Profile { total: each(counted.total), parts }
}

fn table(cost: &Profile) -> String {
    let mut parts: Vec<(&String, &u64)> = cost.parts.iter().filter(|(_, cost)| **cost > 0).collect();
    parts.sort_by(|one, other| other.1.cmp(one.1));
    let line = |name: &str, instructions: u64| {
        let permille = instructions * 1_000 / cost.total.max(1);
        format!("{name:<18} {instructions:>12} {:>4}.{} %", permille / 10, permille % 10)
    };
    let mut lines = vec![format!("{:<18} {:>12} {:>8}", "part", "instructions", "share"), line("all", cost.total)];
    lines.extend(parts.into_iter().map(|(name, &instructions)| line(name, instructions)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_request_costs_its_share() {
        let profile = |total, cors| Profile { total, parts: BTreeMap::from([("cors".to_owned(), cors)]) };
        let each = per_request(&profile(20_005, 200), 10);
        assert_eq!(each, profile(2_000, 20));
        assert!(table(&each).ends_with("cors                         20    1.0 %"), "{}", table(&each));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(run(&["--seconds", "5"]).is_err());
    }
}
