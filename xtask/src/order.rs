//! The order of functions in the released program: what ran, the busiest first, and then what never did.
//!
//! The system reads a program into memory by stretches of 64 KiB. What runs at the start and with each request is a fifth of the
//! code, and laid together it is in memory without the rest.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::llvm::Tools;

/// Hosts for which rustc links with LLD, which takes an order.
const HOSTS: [&str; 1] = ["x86_64-unknown-linux-gnu"];

/// Writes the order that a profile shows beside it, and answers what the compiler has to be told; nothing where the linker takes none.
pub(crate) fn words(profile: &Path, tools: &Tools, host: &str) -> Result<Vec<String>, Failure> {
    if !HOSTS.contains(&host) {
        return Ok(Vec::new());
    }
    let order: PathBuf = profile.with_extension("order");
    let text = functions(&tools.counts(profile)?).join("\n");
    std::fs::write(&order, text).map_err(|error| Failure::io("write", &order, &error))?;
    // What was put into its callers is not there any more, which is no reason to warn.
    let words = [format!("-Wl,--symbol-ordering-file={}", order.display()), "-Wl,--no-warn-symbol-ordering".to_owned()];
    Ok(words.into_iter().map(|word| format!("-Clink-arg={word}")).collect())
}

/// The symbols of the functions that ran, out of what llvm-profdata shows: a name, and the counts of its blocks.
fn functions(shown: &str) -> Vec<&str> {
    let mut ran: Vec<(u64, &str)> = Vec::new();
    let mut name = "";
    for line in shown.lines() {
        if let Some(counts) = line.trim().strip_prefix("Block counts: [").and_then(|rest| rest.strip_suffix(']')) {
            let most = counts.split(", ").filter_map(|count| count.parse::<u64>().ok()).max().unwrap_or_default();
            if most > 0 {
                ran.push((most, name));
            }
        } else if let Some(named) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            // A function that is no one else's has its file before it.
            let named = named.trim_end_matches(':');
            name = named.rsplit_once(';').map_or(named, |(_, name)| name);
        }
    }
    ran.sort_by(|one, other| other.cmp(one));
    ran.into_iter().map(|(_, name)| name).collect()
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
    fn what_ran_is_named_and_the_busiest_comes_first() {
        assert_eq!(functions(SHOWN), ["_ZN1c5often17h03E", "_ZN1b4once17h02E"]);
        assert!(functions("").is_empty());
    }
}
