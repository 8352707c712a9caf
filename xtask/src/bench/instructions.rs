//! `cargo xtask bench instructions`: how many instructions a request costs Seawall in user space, in all and by part.
//!
//! Counts do not change with what else the machine does, so they show small gains and losses that CPU time hides. They leave
//! out the system's share, and how long memory is waited for.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::callgrind::{self, Profile};
use super::http::Connection;
use super::measure::{Bench, PATH, ready_within};
use super::process::Running;
use super::programs::{self, Programs};
use super::scratch::Scratch;
use super::upstream::Upstream;
use super::variants::{Place, Variant};
use crate::failure::Failure;
use crate::terminal;

const VARIANT: Variant = Variant::SeawallDefault;
pub(super) const CONNECTIONS: u32 = 32;

/// Under callgrind a program takes some fifty times as long to start and to end, on a machine that others use longer still.
const SLOW: Duration = Duration::from_secs(120);

/// Rounds of requests in the short and in the long run: the difference has nothing of the start and the end in it.
const ROUNDS: [u32; 2] = [4, 24];

/// What stands in a request where each has a number of its own.
const NUMBER: &str = "@NUMBER@";

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
    let [short, long] = ROUNDS;
    let (before, after) = (profile(bench, short, request, &prepare)?, profile(bench, long, request, &prepare)?);
    Ok(per_request(&before, &after, u64::from((long - short) * CONNECTIONS)))
}

/// What Seawall executes from its start to its end, with so many rounds of requests between them.
fn profile(
    bench: &Bench,
    rounds: u32,
    request: &str,
    prepare: impl Fn(&mut Place) -> Result<(), Failure>,
) -> Result<Profile, Failure> {
    terminal::progress(&format!("{} requests under callgrind", rounds * CONNECTIONS));
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
    drive(place.listen, rounds, request, &mut 0)?;
    proxy.stop_within(SLOW);
    let text = std::fs::read_to_string(&file).map_err(|error| Failure::io("read", &file, &error))?;
    callgrind::parse(&text).ok_or_else(|| Failure::broken("callgrind wrote something else than expected"))
}

/// All connections ask together, and all answers are read before they ask again. `@NUMBER@` in a request becomes a number of its own, of
/// one length for all; `first` is the next.
pub(super) fn drive(port: u16, rounds: u32, request: &str, first: &mut u32) -> Result<(), Failure> {
    let mut connections = (0..CONNECTIONS).map(|_| Connection::open(port)).collect::<Result<Vec<_>, _>>()?;
    let numbered = request.contains(NUMBER);
    for _ in 0..rounds {
        for connection in &mut connections {
            if numbered {
                connection.send(&request.replace(NUMBER, &format!("{first:08}")))?;
                *first += 1;
            } else {
                connection.send(request)?;
            }
        }
        for connection in &mut connections {
            let status = connection.answer()?.status;
            if status != 200 {
                return Err(Failure::broken(format!("a request was answered with {status}")));
            }
        }
    }
    Ok(())
}

/// The difference of two runs, for one request.
fn per_request(before: &Profile, after: &Profile, requests: u64) -> Profile {
    let each = |before: u64, after: u64| after.saturating_sub(before) / requests.max(1);
    let part = |(name, &cost): (&String, &u64)| {
        let earlier = before.parts.get(name).copied().unwrap_or_default();
        (name.clone(), each(earlier, cost))
    };
    Profile { total: each(before.total, after.total), parts: after.parts.iter().map(part).collect::<BTreeMap<_, _>>() }
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
    use super::*;

    #[test]
    fn what_both_runs_have_is_no_cost_of_a_request() {
        let profile = |total, cors| Profile { total, parts: BTreeMap::from([("cors".to_owned(), cors)]) };
        let each = per_request(&profile(1_000, 10), &profile(21_000, 210), 10);
        assert_eq!(each, profile(2_000, 20));
        assert!(table(&each).ends_with("cors                         20    1.0 %"), "{}", table(&each));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(run(&["--seconds", "5"]).is_err());
    }
}
