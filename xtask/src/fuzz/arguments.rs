//! What the person asked of the fuzzers.

use crate::failure::Failure;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask fuzz [--seconds N] [TARGET…]

Runs fuzz targets one after the other and prints executions, covered edges and findings.
  --seconds N  how long each target runs (60)
  TARGET       a file name in fuzz/fuzz_targets, without .rs (all)

It needs a nightly compiler and cargo-fuzz. The seeds also run in the ordinary tests: cargo test -p seawall-fuzz

Exit code: 0, or 1 when an oracle does not hold, 64 for wrong arguments, 69 when a tool is missing, 70 when nothing was run.";

/// A day.
const MOST_SECONDS: u32 = 86_400;

/// The parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) seconds: u32,
    pub(crate) targets: Vec<String>,
}

/// `known` are the targets there are.
pub(crate) fn parse(words: &[&str], known: &[String]) -> Result<Arguments, Failure> {
    let (mut seconds, mut targets) = (60, Vec::new());
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "--seconds" => seconds = number(words.next())?,
            name if known.iter().any(|known| known == name) => targets.push(name.to_owned()),
            name if name.starts_with('-') => {
                return Err(Failure::usage(format!("unknown argument: {name}\n\n{USAGE}")));
            }
            name => return Err(Failure::usage(format!("unknown target: {name}; there are {}", known.join(", ")))),
        }
    }
    let targets = if targets.is_empty() { known.to_vec() } else { targets };
    Ok(Arguments { seconds, targets })
}

fn number(value: Option<&str>) -> Result<u32, Failure> {
    let number = value.and_then(|value| value.parse().ok()).filter(|number| (1..=MOST_SECONDS).contains(number));
    number.ok_or_else(|| Failure::usage(format!("--seconds is a number from 1 to {MOST_SECONDS}\n\n{USAGE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        vec!["headers".to_owned(), "path".to_owned()]
    }

    #[test]
    fn targets_and_seconds_are_read() {
        assert_eq!(parse(&[], &known()), Ok(Arguments { seconds: 60, targets: known() }));
        let expected = Arguments { seconds: 5, targets: vec!["path".to_owned()] };
        assert_eq!(parse(&["--seconds", "5", "path"], &known()), Ok(expected));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let wrong: [&[&str]; 5] = [&["--seconds"], &["--seconds", "0"], &["--seconds", "x"], &["paths"], &["--fast"]];
        for words in wrong {
            assert!(parse(words, &known()).is_err(), "{words:?}");
        }
    }
}
