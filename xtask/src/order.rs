//! The order of functions in the released program: what runs with requests, what runs at rest, and what never ran.
//!
//! The system reads a program into memory by stretches of 64 KiB. What runs at the start and while nothing happens is a small part of the
//! code, and laid together it is in memory without the rest. The busiest of it lies beside the busiest of what runs with requests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::llvm::Tools;

/// Hosts for which rustc links with LLD, which takes an order.
const HOSTS: [&str; 1] = ["x86_64-unknown-linux-gnu"];

/// Writes the order that a profile of traffic and one at rest show beside the former, and answers what the compiler has to be told; nothing
/// where the linker takes none.
pub(crate) fn words(profile: &Path, at_rest: &Path, tools: &Tools, host: &str) -> Result<Vec<String>, Failure> {
    if !HOSTS.contains(&host) {
        return Ok(Vec::new());
    }
    let order: PathBuf = profile.with_extension("order");
    let text = ordered(&tools.counts(profile)?, &tools.counts(at_rest)?).join("\n");
    std::fs::write(&order, text).map_err(|error| Failure::io("write", &order, &error))?;
    // What was put into its callers is not there any more, which is no reason to warn.
    let words = [format!("-Wl,--symbol-ordering-file={}", order.display()), "-Wl,--no-warn-symbol-ordering".to_owned()];
    Ok(words.into_iter().map(|word| format!("-Clink-arg={word}")).collect())
}

/// The symbols of the functions that ran: those that ran under traffic alone, the busiest last, and those that also ran at rest, the
/// busiest first.
fn ordered<'a>(traffic: &'a str, at_rest: &'a str) -> Vec<&'a str> {
    let (traffic, at_rest) = (functions(traffic), functions(at_rest));
    let mut all: Vec<(bool, u64, &str)> = at_rest
        .iter()
        .filter(|(name, _)| !traffic.contains_key(**name))
        .chain(&traffic)
        .map(|(name, count)| (at_rest.contains_key(name), *count, *name))
        .collect();
    all.sort_unstable_by(|one, other| match (one.0, other.0) {
        (true, true) => other.cmp(one),
        _ => one.cmp(other),
    });
    all.into_iter().map(|(_, _, name)| name).collect()
}

/// The functions that ran, out of what llvm-profdata shows: a name, and the count of its busiest block.
fn functions(shown: &str) -> HashMap<&str, u64> {
    let mut ran = HashMap::new();
    let mut name = "";
    for line in shown.lines() {
        if let Some(counts) = line.trim().strip_prefix("Block counts: [").and_then(|rest| rest.strip_suffix(']')) {
            let most = counts.split(", ").filter_map(|count| count.parse::<u64>().ok()).max().unwrap_or_default();
            if most > 0 {
                ran.insert(name, most);
            }
        } else if let Some(named) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            // A function that is no one else's has its file before it.
            let named = named.trim_end_matches(':');
            name = named.rsplit_once(';').map_or(named, |(_, name)| name);
        }
    }
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "Counters:
  _ZN1a5never17h01E:
    Hash: 0x00677600af82f66c
    Counters: 2
    Block counts: [0, 0]
  proxy.4e69aed921145660-cgu.0;_ZN1b4once17h02E:
    Hash: 0x0a4d0ad3efffffff
    Counters: 3
    Block counts: [0, 1, 0]
  _ZN1c5often17h03E:
    Hash: 0x0a4d0ad3efffffff
    Counters: 1
    Block counts: [55086543]
Functions shown: 3
";

    #[test]
    fn what_ran_at_rest_is_laid_together_and_the_busiest_of_both_are_neighbours() {
        let counted = |functions: &[(&str, u64)]| {
            let lines = functions.iter().map(|(name, count)| format!("  {name}:\n    Block counts: [0, {count}]\n"));
            lines.collect::<String>()
        };
        let traffic = counted(&[("busy", 900), ("rare", 3), ("timer", 70), ("start", 1), ("never", 0)]);
        let at_rest = counted(&[("timer", 7), ("start", 1), ("stop", 1), ("never", 0)]);
        assert_eq!(ordered(&traffic, &at_rest), ["rare", "busy", "timer", "stop", "start"]);
    }

    #[test]
    fn what_ran_is_named_with_the_count_of_its_busiest_block() {
        let expected = [("_ZN1c5often17h03E", 55_086_543), ("_ZN1b4once17h02E", 1)];
        assert_eq!(functions(SHOWN), HashMap::from(expected));
        assert!(functions("").is_empty());
    }
}
