//! `cargo xtask bench proxy`: Seawall beside nginx, HAProxy, Caddy and Envoy with the same duties, on the same machine, in turns.
//!
//! All variants are up together, and each is loaded for a second when it is its turn: a machine that is slow for a while, because of its
//! neighbours, is so for all of them.
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
use measure::{Bench, Served, Serving, Turn};
use scratch::Scratch;
use summary::Summary;
use upstream::Upstream;
use variants::Variant;

/// The most CPU per request that Seawall's defaults may cost, in HAProxy's with the same duties.
const MOST_TIMES_HAPROXY: f64 = 1.15;

/// A turn: a second at full speed and one at a fixed rate.
const SECONDS_OF_A_TURN: u32 = 2;

/// Starting, warming up and stopping a proxy, in seconds.
const SECONDS_AROUND_TURNS: u32 = 4;

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
    let (turns, served) = repeat(&bench, &variants, repetitions)?;
    let summaries = summary::of(&variants, &turns, &served);
    let versions = bench.programs.versions.as_str();
    let about = format!(
        "{workers} cores, {repetitions} × {seconds} turns of 1 s, {} connections, 1 KB answers",
        wrk::CONNECTIONS
    );
    let about = if versions.is_empty() { about } else { format!("{about}; {versions}") };
    terminal::say(&report::table(&summaries, &about));
    if let Some(path) = json {
        let setting = Setting { cores: workers, seconds, repetitions, connections: wrk::CONNECTIONS, versions };
        write(&path, &json::document(&summaries, &setting))?;
    }
    if check { verdict(&summaries) } else { Ok(()) }
}

/// Starts all variants so many times, and gives each so many turns.
fn repeat(bench: &Bench, variants: &[Variant], repetitions: u32) -> Result<(Vec<Turn>, Vec<Served>), Failure> {
    let count = u32::try_from(variants.len()).unwrap_or(u32::MAX);
    let rounds = repetitions * bench.seconds;
    let minutes = (count * (rounds * SECONDS_OF_A_TURN + repetitions * SECONDS_AROUND_TURNS)).div_ceil(60);
    terminal::progress(&format!("turns of each: {rounds}, about {minutes} min"));
    let (mut turns, mut served) = (Vec::new(), Vec::new());
    for repetition in 0..repetitions {
        let started: Result<Vec<Serving>, Failure> = variants.iter().map(|variant| bench.serving(*variant)).collect();
        let mut serving = started?;
        for second in 0..bench.seconds {
            let round = repetition * bench.seconds + second + 1;
            terminal::progress(&format!("[{round} of {rounds}]"));
            for place in order(serving.len(), round) {
                if let Some(one) = serving.get_mut(place) {
                    turns.push(one.turn(round)?);
                }
            }
        }
        served.extend(serving.into_iter().map(Serving::end));
    }
    Ok((turns, served))
}

/// The order of a round: one way and the other, and begun one further each time both were gone, so that each comes at every place
/// equally often and nobody always follows the same.
fn order(count: usize, round: u32) -> impl Iterator<Item = usize> {
    let (begin, back) = (round as usize / 2, round % 2 == 1);
    (0..count).map(move |place| (begin + if back { count - 1 - place } else { place }) % count)
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
    use super::summary::tests::turn;
    use super::*;

    #[test]
    fn each_variant_has_every_place_in_the_order_equally_often() {
        for count in [1, 2, 4, 7] {
            let mut times = vec![vec![0; count]; count];
            for round in 0..u32::try_from(2 * count).unwrap() {
                let order: Vec<usize> = order(count, round).collect();
                assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>().len(), count, "{order:?}");
                order.iter().enumerate().for_each(|(place, &one)| times[one][place] += 1);
            }
            assert!(times.iter().flatten().all(|&times| times == 2), "{times:?}");
        }
    }

    #[test]
    fn the_check_compares_seawalls_defaults_with_haproxy() {
        let with = |cpu_us| {
            let turns =
                [turn(Variant::HaproxyHard, 1, Some(20.0), 1.0), turn(Variant::SeawallDefault, 1, Some(cpu_us), 1.0)];
            verdict(&summary::of(&variants::CHECKED, &turns, &[]))
        };
        assert_eq!(with(22.9), Ok(()));
        assert_eq!(with(24.0), Err(Failure::found("check: failed, 1.20 times haproxy-hard, at most 1.15")));
        assert!(verdict(&[]).is_err());
    }
}
