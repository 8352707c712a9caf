//! `cargo xtask bench llm`: what a gateway adds to calls of language models, beside others and a bare reverse proxy, before the same fake provider.

mod client;
mod gateway;
mod load;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::cpu;
use super::process::Running;
use super::rate::Latency;
use super::scratch::{self, Scratch};
use super::statistics::Spread;
use crate::failure::Failure;
use crate::{clock, release, terminal};
use client::Door;
use gateway::{Gateway, Programs, Started};

const WARM_UP_SECONDS: u32 = 2;
/// A rate at which gateways are compared, in calls per second; decision 72 says why.
const PER_SECOND: u32 = 2_000;
const PROVIDER_LIMIT: Duration = Duration::from_secs(10);
const PROVIDER_PAUSE: Duration = Duration::from_millis(20);

const USAGE: &str = "\
Usage: cargo xtask bench llm [--seconds N] [--repetitions N] [--streams N] [--peers FOLDER] [--seawall PROGRAM]

Seawall with a key, a budget and rows, LiteLLM and Portkey (--peers: where bench/llm/install.sh put them), and nginx as a bare reverse proxy, before the
same fake provider: CPU per call at full load, the latency that each adds at 2,000 calls a second and at half of its own load (medians of --repetitions,
5, each N seconds beside the provider alone), what the first event of a stream takes longer, and the memory with N streams open (1000). Those that are
not installed are skipped.

Exit code: 0, or 64 for wrong arguments, 69 when a program is missing, 70 for an invalid run.";

/// The parsed command line.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    seconds: u32,
    repetitions: u32,
    streams: usize,
    peers: Option<PathBuf>,
    seawall: Option<PathBuf>,
}

/// What one gateway showed.
struct Figures {
    gateway: Gateway,
    per_second: f64,
    /// Nothing for the provider itself.
    cpu_us: Option<f64>,
    /// At the fixed rate; nothing for what does not reach twice as much.
    added: Option<Added>,
    added_at_half: Option<Added>,
    added_first_event: Option<Latency>,
    streams_mib: Option<f64>,
}

/// The latency at a rate, beyond what the provider takes at the same rate, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Added {
    p50_us: Spread,
    p99_us: Spread,
}

/// Runs the bench and prints its table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let Some(arguments) = arguments(words)? else { return Ok(()) };
    let Arguments { seconds, repetitions, streams, peers, seawall } = arguments;
    let seawall = match seawall {
        Some(seawall) => std::path::absolute(&seawall).map_err(|error| Failure::io("find", &seawall, &error))?,
        None => release::build()?,
    };
    let peers = peers.map(|folder| std::path::absolute(&folder).map_err(|error| Failure::io("find", &folder, &error)));
    let programs = Programs { seawall, peers: peers.transpose()? };
    let scratch = Scratch::create()?;
    let [port, _] = scratch::free_ports()?;
    let _provider = provider(&programs, &scratch, port)?;
    super::quiet::warn_when_busy();
    let direct = Gateway::Direct.start(&programs, &scratch.fresh("direct")?, port)?;
    let mut all = Vec::new();
    for gateway in Gateway::ALL.into_iter().filter(|gateway| gateway.found(&programs)) {
        let about = (1 + 4 * repetitions) * seconds + WARM_UP_SECONDS + 10;
        terminal::progress(&format!("{}: about {about} s", gateway.name()));
        let folder = scratch.fresh(gateway.name())?;
        let started = gateway.start(&programs, &folder, port)?;
        all.push(measure(gateway, &started, &direct, (seconds, repetitions), streams)?);
        if let Some(running) = started.running {
            running.stop();
        }
    }
    terminal::say(&table(&all, streams));
    Ok(())
}

/// The fake, as a process of its own.
fn provider(programs: &Programs, scratch: &Scratch, port: u16) -> Result<Running, Failure> {
    let folder = scratch.fresh("provider")?;
    let mut command = Command::new(&programs.seawall);
    command.args(["demo", "--llm", "--listen", &format!("127.0.0.1:{port}")]);
    let running = Running::start(&mut command, &folder.join("output.log"), &folder.join("errors.log"))?;
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
    clock::poll(PROVIDER_LIMIT, PROVIDER_PAUSE, listens)
        .ok_or_else(|| Failure::broken("the fake provider does not start"))?;
    Ok(running)
}

fn measure(
    gateway: Gateway,
    started: &Started,
    direct: &Started,
    (seconds, repetitions): (u32, u32),
    streams: usize,
) -> Result<Figures, Failure> {
    let (door, id) = (&started.door, started.running.as_ref().map(Running::id));
    load::full(door, WARM_UP_SECONDS)?;
    let before = id.map(cpu::time);
    let calls = load::full(door, seconds)?;
    let took = id.map(cpu::time).zip(before).map(|(after, before)| after.saturating_sub(before));
    let per_second = f64::from(calls) / f64::from(seconds);
    let (mut added, mut added_at_half, mut added_first_event, mut streams_mib) = (None, None, None, None);
    if let Some(id) = id {
        let half = (calls / seconds.max(1) / 2).max(1);
        let at_rate = |rate| added_at(rate, (door, &direct.door), seconds, repetitions);
        added = if half >= PER_SECOND { Some(at_rate(PER_SECOND)?) } else { None };
        added_at_half = Some(at_rate(half)?);
        added_first_event = Some(beyond(load::first_events(door)?, load::first_events(&direct.door)?));
        let kib = load::open_streams(door, streams, || cpu::memory_kib(id))?;
        streams_mib = Some(f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1_024.0);
    }
    Ok(Figures {
        gateway,
        per_second,
        cpu_us: took.map(|took| took.as_secs_f64() * 1e6 / f64::from(calls.max(1))),
        added,
        added_at_half,
        added_first_event,
        streams_mib,
    })
}

/// The gateway and the provider alone take turns.
fn added_at(rate: u32, (door, direct): (&Door, &Door), seconds: u32, repetitions: u32) -> Result<Added, Failure> {
    let once = |_| Ok(beyond(load::at_rate(door, rate, seconds)?, load::at_rate(direct, rate, seconds)?));
    let all: Vec<Latency> = (0..repetitions).map(once).collect::<Result<_, Failure>>()?;
    let spread =
        |of: fn(&Latency) -> f64| Spread::of(all.iter().map(of)).ok_or_else(|| Failure::broken("nothing was measured"));
    Ok(Added { p50_us: spread(|latency| latency.p50_us)?, p99_us: spread(|latency| latency.p99_us)? })
}

fn beyond(of: Latency, base: Latency) -> Latency {
    Latency { p50_us: of.p50_us - base.p50_us, p99_us: of.p99_us - base.p99_us }
}

fn table(all: &[Figures], streams: usize) -> String {
    let seawall = all.iter().find(|figures| figures.gateway == Gateway::Seawall).and_then(|figures| figures.cpu_us);
    let mut lines = vec![format!(
        "| gateway | calls/s | CPU per call, µs | × Seawall | adds at {PER_SECOND}/s, p50 / p99, ms | adds at half load, p50 / p99, ms | first event, p50 / p99, ms | {streams} streams, MiB |\n|---|---|---|---|---|---|---|---|"
    )];
    let both = |latency: Option<Latency>| {
        latency.map_or_else(|| "-".to_owned(), |at| format!("{:.2} / {:.2}", at.p50_us / 1e3, at.p99_us / 1e3))
    };
    let spread = |of: Spread| format!("{:.2} ({:.2} to {:.2})", of.median / 1e3, of.least / 1e3, of.most / 1e3);
    let added = |added: Option<Added>| {
        added.map_or_else(|| "-".to_owned(), |at| format!("{} / {}", spread(at.p50_us), spread(at.p99_us)))
    };
    let one =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
    lines.extend(all.iter().map(|figures| {
        let times = figures.cpu_us.zip(seawall).map(|(own, seawall)| own / seawall);
        format!(
            "| {} | {:.0} | {} | {} | {} | {} | {} | {} |",
            figures.gateway.name(),
            figures.per_second,
            one(figures.cpu_us, 0),
            one(times, 2),
            added(figures.added),
            added(figures.added_at_half),
            both(figures.added_first_event),
            one(figures.streams_mib, 1)
        )
    }));
    lines.join("\n")
}

fn arguments(words: &[&str]) -> Result<Option<Arguments>, Failure> {
    let mut parsed = Arguments { seconds: 5, repetitions: 5, streams: 1_000, peers: None, seawall: None };
    let mut rest = words;
    loop {
        let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
        match rest {
            [] => return Ok(Some(parsed)),
            ["--help" | "-h", ..] => {
                terminal::say(USAGE);
                return Ok(None);
            }
            ["--seconds", value, more @ ..] if number(value, 600).is_some() => {
                (parsed.seconds, rest) = (number(value, 600).unwrap_or(parsed.seconds), more);
            }
            ["--repetitions", value, more @ ..] if number(value, 100).is_some() => {
                (parsed.repetitions, rest) = (number(value, 100).unwrap_or(parsed.repetitions), more);
            }
            // The fake takes 1,024 connections.
            ["--streams", value, more @ ..] if number(value, 1_000).is_some() => {
                (parsed.streams, rest) = (number(value, 1_000).map_or(parsed.streams, |number| number as usize), more);
            }
            ["--peers", value, more @ ..] => (parsed.peers, rest) = (Some(PathBuf::from(value)), more),
            ["--seawall", value, more @ ..] => (parsed.seawall, rest) = (Some(PathBuf::from(value)), more),
            _ => return Err(Failure::usage(USAGE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        let read =
            arguments(&["--seconds", "2", "--repetitions", "3", "--streams", "10", "--peers", "p", "--seawall", "s"]);
        let read = read.unwrap();
        let expected =
            Arguments { seconds: 2, repetitions: 3, streams: 10, peers: Some("p".into()), seawall: Some("s".into()) };
        assert_eq!(read, Some(expected));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--streams", "2000"], &["--fast"]] {
            assert!(arguments(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_and_ratios_to_seawall() {
        let spread = |median| Spread { median, least: median - 100.0, most: median + 100.0 };
        let figures = |gateway, cpu_us| Figures {
            gateway,
            per_second: 1_000.0,
            cpu_us,
            added: None,
            added_at_half: cpu_us.map(|_| Added { p50_us: spread(200.0), p99_us: spread(900.0) }),
            added_first_event: None,
            streams_mib: Some(100.0),
        };
        let text = table(
            &[
                figures(Gateway::Direct, None),
                figures(Gateway::Seawall, Some(50.0)),
                figures(Gateway::LiteLlm, Some(2_000.0)),
            ],
            7,
        );
        assert_eq!(text.lines().count(), 5);
        assert!(
            text.contains(
                "| litellm | 1000 | 2000 | 40.00 | - | 0.20 (0.10 to 0.30) / 0.90 (0.80 to 1.00) | - | 100.0 |"
            ),
            "{text}"
        );
    }
}
