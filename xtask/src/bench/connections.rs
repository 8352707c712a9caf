//! `cargo xtask bench connections`: what a connection costs in memory while nothing happens on it, beside nginx and HAProxy.
//!
//! Two kinds: kept-alive connections that have had one answer, and connections on which no byte was ever sent.

use std::net::TcpStream;

use super::cpu;
use super::http::Connection;
use super::measure::Bench;
use super::process::Running;
use super::programs;
use super::scratch::Scratch;
use super::upstream::Upstream;
use super::variants::{Place, Variant};
use crate::failure::Failure;
use crate::terminal;

/// Fits a process that may have 20,000 files open, of which a proxy counts two per connection.
const CONNECTIONS: u32 = 9_500;

const USAGE: &str = "\
Usage: cargo xtask bench connections [--connections N]

Opens N connections to each proxy (9500), has one answer on each, and says what memory the proxy has then; the same for
connections on which nothing is sent. Open files: at least 2 N and some more (ulimit -n).

Exit code: 0, or 64 for wrong arguments, 69 when a program is missing, 70 when a proxy did not hold the connections.";

/// What one proxy needed.
struct Cost {
    variant: Variant,
    idle_mib: f64,
    kept_mib: f64,
    kept_kib_each: f64,
    silent_kib_each: f64,
}

/// Runs the bench and prints its table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let connections = match words {
        [] => CONNECTIONS,
        ["--help" | "-h"] => {
            terminal::say(USAGE);
            return Ok(());
        }
        ["--connections", number] => number
            .parse()
            .ok()
            .filter(|number| (1..=100_000).contains(number))
            .ok_or_else(|| Failure::usage(format!("--connections is a number from 1 to 100000\n\n{USAGE}")))?,
        _ => return Err(Failure::usage(USAGE)),
    };
    let mut variants = vec![Variant::NginxHard, Variant::HaproxyHard, Variant::SeawallDefault];
    let programs = programs::find(&mut variants, false, None)?;
    let bench = Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers: 2, seconds: 1 };
    let mut costs = Vec::new();
    for variant in variants {
        terminal::progress(&format!("{}: {connections} connections, twice", variant.name()));
        costs.push(measure(&bench, variant, connections)?);
    }
    terminal::say(&table(&costs, connections));
    Ok(())
}

fn measure(bench: &Bench, variant: Variant, connections: u32) -> Result<Cost, Failure> {
    let (place, proxy) = bench.started(variant)?;
    let idle_kib = memory(&proxy);
    let kept: Vec<Connection> = (0..connections).map(|_| asked(&place)).collect::<Result<_, _>>()?;
    let kept_kib = memory(&proxy);
    drop(kept);
    proxy.stop();
    let (place, proxy) = bench.started(variant)?;
    let before_kib = memory(&proxy);
    let address = ("127.0.0.1", place.listen);
    let silent: Vec<TcpStream> = (0..connections)
        .map(|_| TcpStream::connect(address))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::broken(format!("{}: a connection was refused: {error}", variant.name())))?;
    // One more that is answered, so that all before it were accepted.
    asked(&place)?;
    let silent_kib = memory(&proxy);
    drop(silent);
    proxy.stop();
    let each = |after: u64, before: u64| kib(after.saturating_sub(before)) / f64::from(connections);
    Ok(Cost {
        variant,
        idle_mib: kib(idle_kib) / 1_024.0,
        kept_mib: kib(kept_kib) / 1_024.0,
        kept_kib_each: each(kept_kib, idle_kib),
        silent_kib_each: each(silent_kib, before_kib),
    })
}

/// A connection that had an answer.
fn asked(place: &Place) -> Result<Connection, Failure> {
    let mut connection = Connection::open(place.listen)?;
    let answer = connection.get("/items")?;
    if answer.status == 200 {
        Ok(connection)
    } else {
        Err(Failure::broken(format!("a request was answered with {}", answer.status)))
    }
}

fn memory(proxy: &Running) -> u64 {
    cpu::memory_kib(proxy.id())
}

fn kib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX))
}

fn table(costs: &[Cost], connections: u32) -> String {
    let mut lines = vec![
        format!("{connections} connections each"),
        format!(
            "{:<16} {:>10} {:>16} {:>18} {:>20}",
            "variant", "idle MiB", "kept alive MiB", "kept alive KiB each", "silent KiB each"
        ),
    ];
    lines.extend(costs.iter().map(|cost| {
        format!(
            "{:<16} {:>10.1} {:>16.1} {:>18.2} {:>20.2}",
            cost.variant.name(),
            cost.idle_mib,
            cost.kept_mib,
            cost.kept_kib_each,
            cost.silent_kib_each
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_proxy() {
        let cost = Cost {
            variant: Variant::SeawallDefault,
            idle_mib: 9.5,
            kept_mib: 60.0,
            kept_kib_each: 5.25,
            silent_kib_each: 1.5,
        };
        let text = table(&[cost], 9_500);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("seawall-default") && text.contains("5.25") && text.contains("1.50"), "{text}");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for words in [&["--connections"][..], &["--connections", "0"], &["-x"]] {
            assert!(run(words).is_err(), "{words:?}");
        }
    }
}
