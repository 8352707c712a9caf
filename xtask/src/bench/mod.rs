//! `cargo xtask bench proxy`: Seawall beside nginx, HAProxy, Caddy and Envoy with the same duties, on the same machine, in turns.
//!
//! The variants run one after the other in every repetition, so that a machine that grows slower does so for all of them.
//! What is compared is CPU per request; `bench/README.md` says why.

mod arguments;
mod callgrind;
pub(crate) mod connections;
mod cpu;
mod duties;
pub(crate) mod guards;
mod http;
pub(crate) mod identity;
pub(crate) mod instructions;
mod json;
pub(crate) mod llm;
mod measure;
mod process;
mod programs;
mod quiet;
mod rate;
mod report;
mod rounds;
mod scratch;
pub(crate) mod shapes;
pub(crate) mod sign_in;
mod statistics;
pub(crate) mod store;
mod summary;
pub(crate) mod upstream;
mod variants;
mod wrk;

use std::path::Path;
use std::thread;

use crate::failure::Failure;
use crate::terminal;
use arguments::Arguments;
use json::Setting;
use measure::{Bench, Run};
use scratch::Scratch;
use summary::Summary;
use upstream::Upstream;
use variants::Variant;

/// The most CPU per request that Seawall's defaults may cost, in HAProxy's with the same duties.
const MOST_TIMES_HAPROXY: f64 = 1.15;

/// Starting, warming up and stopping a proxy, in seconds.
const SECONDS_AROUND_A_RUN: u32 = 4;

/// Runs the bench and prints its table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    if matches!(words, ["--help" | "-h", ..]) {
        terminal::say(arguments::USAGE);
        return Ok(());
    }
    let Arguments { seconds, repetitions, mut variants, json, check, seawall } = arguments::parse(words)?;
    let programs = programs::find(&mut variants, check, seawall)?;
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bench = Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers, seconds };
    quiet::warn_when_busy();
    let runs = repeat(&bench, &variants, repetitions)?;
    let summaries = summary::of(&variants, &runs);
    let versions = bench.programs.versions.as_str();
    let about = format!("{workers} cores, {repetitions} × {seconds} s, {} connections, 1 KB answers", wrk::CONNECTIONS);
    let about = if versions.is_empty() { about } else { format!("{about}; {versions}") };
    terminal::say(&report::table(&summaries, &about));
    if let Some(path) = json {
        let setting = Setting { cores: workers, seconds, repetitions, connections: wrk::CONNECTIONS, versions };
        write(&path, &json::document(&summaries, &setting))?;
    }
    if check { verdict(&summaries) } else { Ok(()) }
}

/// All variants in every repetition; each repetition begins with another one, so that none always runs on a cold machine.
fn repeat(bench: &Bench, variants: &[Variant], repetitions: u32) -> Result<Vec<Run>, Failure> {
    let per_repetition = u32::try_from(variants.len()).unwrap_or(u32::MAX);
    let all = per_repetition * repetitions;
    let minutes = (all * (2 * bench.seconds + SECONDS_AROUND_A_RUN)).div_ceil(60);
    terminal::progress(&format!("runs: {all}, about {minutes} min"));
    let mut order = variants.to_vec();
    let mut runs = Vec::new();
    for repetition in 1..=repetitions {
        for variant in &order {
            let number = runs.len() + 1;
            terminal::progress(&format!("[{number} of {all}] repetition {repetition}, {}", variant.name()));
            runs.push(bench.run(*variant, repetition)?);
        }
        order.rotate_left(1);
    }
    Ok(runs)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::io("write", path, &error))
}

fn verdict(summaries: &[Summary]) -> Result<(), Failure> {
    let seawall = summaries.iter().find(|summary| summary.variant == Variant::SeawallDefault);
    let times = seawall.and_then(|summary| summary.times_haproxy).map(|spread| spread.median);
    match times {
        Some(times) if times <= MOST_TIMES_HAPROXY => {
            terminal::say(&format!("check: passed, {times:.2} times haproxy-hard, at most {MOST_TIMES_HAPROXY}"));
            Ok(())
        }
        Some(times) => {
            Err(Failure::found(format!("check: failed, {times:.2} times haproxy-hard, at most {MOST_TIMES_HAPROXY}")))
        }
        None => Err(Failure::broken("check: seawall-default and haproxy-hard were not both measured")),
    }
}

#[cfg(test)]
mod tests {
    use super::summary::tests::run;
    use super::*;

    #[test]
    fn the_check_compares_seawalls_defaults_with_haproxy() {
        let with = |cpu_us| {
            let runs =
                [run(Variant::HaproxyHard, 1, Some(20.0), 1.0), run(Variant::SeawallDefault, 1, Some(cpu_us), 1.0)];
            verdict(&summary::of(&variants::CHECKED, &runs))
        };
        assert_eq!(with(22.9), Ok(()));
        assert_eq!(with(24.0), Err(Failure::found("check: failed, 1.20 times haproxy-hard, at most 1.15")));
        assert!(verdict(&[]).is_err());
    }
}
