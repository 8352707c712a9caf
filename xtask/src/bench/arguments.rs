//! What the person asked of the bench.

use std::path::PathBuf;

use super::variants::{self, Variant};
use crate::failure::Failure;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask bench proxy [--seconds N] [--repetitions N] [--only A,B] [--json FILE] [--check]
                               [--seawall PROGRAM]

Compares Seawall with other proxies doing the same duties, in turns of a second on this machine. Those that are not installed
are skipped.
  --seconds N      turns of each variant, a second each, between a start and a stop (10)
  --repetitions N  how often all are started; medians of all turns are reported (3)
  --only A,B       of direct, nginx-hard, nginx-hard-unbuffered, haproxy-hard, caddy-hard, envoy-hard, seawall-duties,
                   seawall-default (all but nginx-hard-unbuffered; direct always runs)
  --json FILE      also write the figures to FILE
  --check          fail when seawall-default costs more than 1.15 times the CPU of haproxy-hard per request
  --seawall PROGRAM  measure this one, instead of building the tuned one as `cargo xtask release` does

Exit code: 0, or 1 for a failed check, 64 for wrong arguments, 69 when a program is missing, 70 for an invalid run.";

/// The parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) seconds: u32,
    pub(crate) repetitions: u32,
    pub(crate) variants: Vec<Variant>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) check: bool,
    /// A program that is there already.
    pub(crate) seawall: Option<PathBuf>,
}

pub(crate) fn parse(words: &[&str]) -> Result<Arguments, Failure> {
    let variants = Variant::ALL.into_iter().filter(|variant| *variant != Variant::NginxHardUnbuffered).collect();
    let mut parsed = Arguments { seconds: 10, repetitions: 3, variants, json: None, check: false, seawall: None };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Failure::usage(format!("{word} needs a value\n\n{USAGE}")));
        match word {
            "--seconds" => parsed.seconds = number(word, value()?, 600)?,
            "--repetitions" => parsed.repetitions = number(word, value()?, 100)?,
            "--only" => parsed.variants = only(value()?)?,
            "--json" => parsed.json = Some(PathBuf::from(value()?)),
            "--seawall" => parsed.seawall = Some(PathBuf::from(value()?)),
            "--check" => parsed.check = true,
            _ => return Err(Failure::usage(format!("unknown argument: {word}\n\n{USAGE}"))),
        }
    }
    let checkable = variants::CHECKED.iter().all(|variant| parsed.variants.contains(variant));
    if parsed.check && !checkable {
        return Err(Failure::usage("--check compares seawall-default with haproxy-hard: --only must name both"));
    }
    Ok(parsed)
}

fn number(name: &str, value: &str, most: u32) -> Result<u32, Failure> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Failure::usage(format!("{name} is a number from 1 to {most}, not `{value}`")))
}

/// In the bench's own order, with `direct`, which the added latency is counted from.
fn only(value: &str) -> Result<Vec<Variant>, Failure> {
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    if let Some(unknown) = names.iter().find(|name| !Variant::ALL.iter().any(|variant| variant.name() == **name)) {
        return Err(Failure::usage(format!("unknown variant: {unknown}\n\n{USAGE}")));
    }
    Ok(Variant::ALL
        .into_iter()
        .filter(|variant| *variant == Variant::Direct || names.contains(&variant.name()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_is_read() {
        let words = [
            "--seconds",
            "5",
            "--repetitions",
            "2",
            "--only",
            "haproxy-hard,seawall-default",
            "--json",
            "a.json",
            "--check",
            "--seawall",
            "target/release/seawall",
        ];
        let expected = Arguments {
            seconds: 5,
            repetitions: 2,
            variants: vec![Variant::Direct, Variant::HaproxyHard, Variant::SeawallDefault],
            json: Some("a.json".into()),
            check: true,
            seawall: Some("target/release/seawall".into()),
        };
        assert_eq!(parse(&words), Ok(expected));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let wrong: [&[&str]; 6] = [
            &["--seconds"],
            &["--seconds", "0"],
            &["--repetitions", "many"],
            &["--only", "pingora"],
            &["--check", "--only", "haproxy-hard"],
            &["--fast"],
        ];
        for words in wrong {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
