//! `cargo xtask bench identity`: what knowing who asks costs a request, and what traffic notices while people sign in.

mod credentials;
mod signing_in;

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::cpu;
use super::http::Connection;
use super::measure::{Bench, PATH, ready};
use super::process::Running;
use super::programs::Programs;
use super::scratch::Scratch;
use super::statistics::{Spread, percentile};
use super::upstream::Upstream;
use super::variants::{self, Place, Variant};
use super::wrk;
use crate::failure::Failure;
use crate::{clock, release, terminal};
use credentials::Operator;

/// For messages: it is Seawall as installed, with people.
const VARIANT: Variant = Variant::SeawallDefault;

const WARM_UP_SECONDS: u64 = 1;

const USAGE: &str = "\
Usage: cargo xtask bench identity [--seconds N] [--repetitions N] [--seawall PROGRAM]

CPU per request of Seawall with people who sign in: nobody asks, and somebody with a session, an API key or an access token; in
turns, in the same process. Then how much longer the first request with each takes than the next, how many sign in per second beside
raw argon2 on as many threads, and the latency of other requests meanwhile.

Exit code: 0, or 64 for wrong arguments, 69 when a program is missing, 70 for an invalid run.";

/// What a request shows.
#[derive(Clone)]
struct Shown {
    name: &'static str,
    field: Option<String>,
}

/// Runs the bench and prints its figures.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let Some((seconds, repetitions, program)) = arguments(words)? else { return Ok(()) };
    let seawall = match program {
        Some(program) => std::path::absolute(&program).map_err(|error| Failure::io("find", &program, &error))?,
        None => release::build()?,
    };
    let programs = Programs::of_seawall(seawall);
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bench = Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers, seconds };
    let place = bench.place(VARIANT)?;
    let mut command = variants::seawall(&bench.programs, &place, "seawall-identity.toml")?;

    let proxy = start(&mut command, &place)?;
    let seawall = Operator { program: &bench.programs.seawall, folder: &place.folder };
    seawall.add_user()?;
    let kinds = [
        ("session", credentials::many(|| credentials::session(place.listen))?),
        ("api key", credentials::many(|| seawall.api_key())?),
        ("token", credentials::many(|| credentials::access_token(place.listen))?),
    ];
    let one = |(name, many): &(&'static str, Vec<String>)| Shown { name, field: many.first().cloned() };
    let mut shown = vec![Shown { name: "nobody", field: None }];
    shown.extend(kinds.iter().map(one));
    compare(&shown, &place, &proxy, seconds, repetitions)?;
    proxy.stop();

    // Another process knows none of them yet.
    let proxy = start(&mut command, &place)?;
    for (name, fields) in &kinds {
        first_sight(name, fields, place.listen)?;
    }
    signing_in::run(&place, seconds, workers.saturating_sub(1).max(1))?;
    proxy.stop();
    Ok(())
}

fn arguments(words: &[&str]) -> Result<Option<(u32, u32, Option<PathBuf>)>, Failure> {
    let (mut seconds, mut repetitions, mut program) = (5, 3, None);
    let mut rest = words;
    loop {
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| (1..=600).contains(number));
        match rest {
            [] => return Ok(Some((seconds, repetitions, program))),
            ["--help" | "-h", ..] => {
                terminal::say(USAGE);
                return Ok(None);
            }
            ["--seconds", value, more @ ..] if number(value).is_some() => {
                (seconds, rest) = (number(value).unwrap_or(seconds), more);
            }
            ["--repetitions", value, more @ ..] if number(value).is_some() => {
                (repetitions, rest) = (number(value).unwrap_or(repetitions), more);
            }
            ["--seawall", value, more @ ..] => (program, rest) = (Some(PathBuf::from(value)), more),
            _ => return Err(Failure::usage(USAGE)),
        }
    }
}

fn start(command: &mut Command, place: &Place) -> Result<Running, Failure> {
    let mut proxy = Running::start(command, &place.folder.join("output.log"), &place.folder.join("errors.log"))?;
    ready(VARIANT, place.listen, Some(&mut proxy), &place.folder)?;
    Ok(proxy)
}

/// Each takes its turn in every repetition; the ratio is taken within one, so that a slower machine is slower for both.
fn compare(shown: &[Shown], place: &Place, proxy: &Running, seconds: u32, repetitions: u32) -> Result<(), Failure> {
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); shown.len()];
    for repetition in 1..=repetitions {
        for (shown, costs) in shown.iter().zip(&mut costs) {
            terminal::progress(&format!("repetition {repetition} of {repetitions}, {}", shown.name));
            costs.push(cpu_us_per_request(shown, place, proxy, seconds)?);
        }
    }
    terminal::say("asks          CPU per request    × nobody");
    let nobody = costs.first().cloned().unwrap_or_default();
    for (shown, costs) in shown.iter().zip(&costs) {
        let ratios = costs.iter().zip(&nobody).map(|(own, nobody)| own / nobody);
        let (Some(cost), Some(ratio)) = (Spread::of(costs.iter().copied()), Spread::of(ratios)) else { continue };
        let Spread { median, least, most } = ratio;
        terminal::say(&format!("{:<12} {:>10.1} µs    {median:.2} ({least:.2}–{most:.2})", shown.name, cost.median));
    }
    Ok(())
}

fn cpu_us_per_request(shown: &Shown, place: &Place, proxy: &Running, seconds: u32) -> Result<f64, Failure> {
    let url = format!("http://127.0.0.1:{}{PATH}", place.listen);
    let fields: Vec<&str> = shown.field.as_deref().into_iter().collect();
    wrk::run_with(&url, WARM_UP_SECONDS, &fields)?;
    let before = cpu::time(proxy.id());
    let load = wrk::run_with(&url, seconds.into(), &fields)?;
    let took = cpu::time(proxy.id()).saturating_sub(before);
    if !load.faults.is_empty() || load.requests == 0 {
        return Err(Failure::broken(format!("{}: the run is invalid: {}", shown.name, load.faults.join("; "))));
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(load.requests))
}

/// How long the first request with each takes, and the second.
fn first_sight(name: &str, fields: &[String], port: u16) -> Result<(), Failure> {
    let mut connection = Connection::open(port)?;
    let mut took = [Vec::new(), Vec::new()];
    for field in fields {
        for took in &mut took {
            let begun = clock::now();
            let answer = connection.get_with(PATH, field)?;
            took.push(answer.received_at.saturating_duration_since(begun).as_secs_f64() * 1e6);
        }
    }
    let [first, next] = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        percentile(&took, 50).unwrap_or_default()
    });
    terminal::say(&format!(
        "first sight of a {name}: {first:.0} µs, the next request {next:.0} µs (medians of {})",
        fields.len()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        let read = arguments(&["--seconds", "2", "--repetitions", "1", "--seawall", "target/x"]).unwrap();
        assert_eq!(read, Some((2, 1, Some(PathBuf::from("target/x")))));
        assert_eq!(arguments(&[]).unwrap(), Some((5, 3, None)));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--fast"]] {
            assert!(arguments(wrong).is_err(), "{wrong:?}");
        }
    }
}
