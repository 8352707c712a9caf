//! `cargo xtask bench guards`: what single guards add to a request, in instructions and in CPU time, beside the same program without them.

mod cases;
mod timed;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::instructions;
use super::measure::Bench;
use super::programs::Programs;
use super::scratch::Scratch;
use super::upstream::Upstream;
use super::variants::Place;
use crate::failure::Failure;
use crate::terminal;
use cases::{CASES, Case, Goal};
use timed::Times;

const USAGE: &str = "\
Usage: cargo xtask bench guards [--check] [--no-times] [--seawall PROGRAM] [GUARD…]

Counts with valgrind's callgrind how many instructions of user space a request costs with a guard at work, and without it in the same
program with the same configuration, as medians of three starts. The request is one that concerns the guard, and passes. Then both serve requests in turns, and the
CPU time of each is read.
  --check            end with 1 when a guard adds more than its goal: in instructions for guards of heads, in CPU time for those of bodies
  --no-times         count only; goals in CPU time are not looked at
  --seawall PROGRAM  this program instead of one that is built as it is released

Exit code: 0, or 1 with --check, 64 for wrong arguments, 69 when valgrind is missing, 70 for an invalid run.";

/// The parsed command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    check: bool,
    no_times: bool,
    seawall: Option<PathBuf>,
    named: Vec<String>,
}

/// Runs the bench and prints its table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    if matches!(words, ["--help" | "-h", ..]) {
        terminal::say(USAGE);
        return Ok(());
    }
    let Arguments { check, no_times, seawall, named } = parse(words)?;
    instructions::needs_valgrind()?;
    let bench = match seawall {
        None => instructions::bench()?,
        Some(path) => {
            let path = std::path::absolute(&path).map_err(|error| Failure::io("find", &path, &error))?;
            let programs = Programs::of_seawall(path);
            Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers: 1, seconds: 0 }
        }
    };
    let mut counted = HashMap::new();
    let mut beyond = Vec::new();
    terminal::say(&head());
    for case in CASES.iter().filter(|case| named.is_empty() || named.iter().any(|name| name == case.name)) {
        let counts = [case.without, case.with].map(|own| count(&bench, case, own, &mut counted));
        let [without, with] = counts;
        let (without, with) = (without?, with?);
        let times = if no_times { None } else { Some(timed::compare(&bench, case)?) };
        if is_beyond(case.goal, permille(without, with), times.as_ref()) {
            beyond.push(case.name);
        }
        terminal::say(&row(case, without, with, times));
    }
    if check && !beyond.is_empty() {
        return Err(Failure::found(format!("guards: beyond their goal: {}", beyond.join(", "))));
    }
    Ok(())
}

fn parse(words: &[&str]) -> Result<Arguments, Failure> {
    let mut arguments = Arguments::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--check" => arguments.check = true,
            "--no-times" => arguments.no_times = true,
            "--seawall" => {
                let program = words.next().ok_or_else(|| Failure::usage(USAGE))?;
                arguments.seawall = Some(PathBuf::from(program));
            }
            name if CASES.iter().any(|case| case.name == name) => arguments.named.push(name.to_owned()),
            _ => {
                let known: Vec<&str> = CASES.iter().map(|case| case.name).collect();
                return Err(Failure::usage(format!("{USAGE}\n\nGuards: {}", known.join(", "))));
            }
        }
    }
    Ok(arguments)
}

/// Starts that are counted. Two differ by three thousandths or so, by how the connections fall to the cores, and a guard of heads adds
/// less than ten times that.
const STARTS: usize = 3;

/// The median of some starts. Counts of the same request with the same configuration are taken once.
fn count(bench: &Bench, case: &Case, own: &str, counted: &mut HashMap<(String, String), u64>) -> Result<u64, Failure> {
    let key = (case.configuration(own), (case.request)());
    if let Some(count) = counted.get(&key) {
        return Ok(*count);
    }
    let start = || instructions::of_request(bench, &key.1, |place| prepare(place, &key.0)).map(|count| count.total);
    let mut counts = (0..STARTS).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
    counts.sort_unstable();
    let median = counts.get(STARTS / 2).copied().unwrap_or_default();
    counted.insert(key, median);
    Ok(median)
}

/// Puts a configuration, and what it names, where Seawall runs.
fn prepare(place: &mut Place, configuration: &str) -> Result<(), Failure> {
    for (name, text) in [("seawall-default.toml", configuration), ("openapi.json", cases::DOCUMENT)] {
        let file = place.folder.join(name);
        fs::write(&file, text).map_err(|error| Failure::io("write", &file, &error))?;
    }
    place.templates.clone_from(&place.folder);
    Ok(())
}

fn head() -> String {
    let counts = format!("{:<16} {:>10} {:>10} {:>8} {:>12}", "guard", "without", "with", "adds", "goal");
    format!("{counts} {:>9} {:>9} {:>8}", "µs w/o", "µs with", "adds")
}

fn row(case: &Case, without: u64, with: u64, times: Option<Times>) -> String {
    let goal = match case.goal {
        Goal::Instructions(goal) => percent(goal),
        Goal::Time(goal) => format!("{} in µs", percent(goal)),
        Goal::None => "-".to_owned(),
    };
    let adds = percent(permille(without, with));
    let counts = format!("{:<16} {without:>10} {with:>10} {adds:>8} {goal:>12}", case.name);
    match times {
        None => counts,
        Some(times) => format!("{counts} {times}"),
    }
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

/// Whether a guard that adds so many thousandths of instructions adds more than it should.
fn is_beyond(goal: Goal, adds: u64, times: Option<&Times>) -> bool {
    match goal {
        Goal::Instructions(goal) => adds > goal,
        #[expect(clippy::cast_precision_loss, reason = "goals are small")]
        Goal::Time(goal) => times.is_some_and(|times| (times.ratio - 1.0) * 1_000.0 > goal as f64),
        Goal::None => false,
    }
}

/// What the guard adds, in thousandths of the request without it, and not less than that.
const fn permille(without: u64, with: u64) -> u64 {
    (with.saturating_sub(without) * 1_000).div_ceil(if without == 0 { 1 } else { without })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_a_guard_adds() {
        let case = CASES.iter().find(|case| case.name == "csrf").unwrap();
        assert_eq!(row(case, 10_000, 10_255, None), "csrf                  10000      10255    2.6 %        3.0 %");
        let times = Times { without_us: 20.0, with_us: 21.0, ratio: 1.05, half: (1.04, 1.06) };
        assert!(row(case, 10_000, 10_255, Some(times)).ends_with("    20.00     21.00    5.0 %  (4.0 to 6.0)"));
        assert_eq!(permille(10, 5), 0, "noise is no gain");
    }

    #[test]
    fn guards_of_heads_are_held_to_instructions_and_those_of_bodies_to_time() {
        let times = |ratio| Times { without_us: 20.0, with_us: 20.0 * ratio, ratio, half: (ratio, ratio) };
        assert!(
            is_beyond(Goal::Instructions(30), 31, Some(&times(1.0))) && !is_beyond(Goal::Instructions(30), 30, None)
        );
        assert!(
            is_beyond(Goal::Time(50), 0, Some(&times(1.06))) && !is_beyond(Goal::Time(50), 900, Some(&times(1.04)))
        );
        assert!(!is_beyond(Goal::Time(50), 900, None) && !is_beyond(Goal::None, 900, Some(&times(2.0))));
    }

    #[test]
    fn arguments_are_read_and_wrong_ones_refused() {
        let arguments = parse(&["--check", "--seawall", "a/b", "csrf", "json + schema"]).unwrap();
        assert!(arguments.check && !arguments.no_times && arguments.seawall == Some("a/b".into()));
        assert_eq!(arguments.named, ["csrf", "json + schema"]);
        for wrong in [&["cross"][..], &["--fast"], &["--seawall"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
