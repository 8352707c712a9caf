//! The order of functions in the released program: what runs with requests, what runs at rest, and what never ran.
//!
//! The system reads a program into memory by stretches of 64 KiB. What runs at the start and while nothing happens is a small part of the
//! code, and laid together it is in memory without the rest. The busiest of it lies beside the busiest of what runs with requests.
//!
//! What the compiler counted names Rust's functions as they were before some became part of their callers; what callgrind saw names all that
//! were left, those of C and of Rust's own library too. What either knows is taken.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use crate::failure::Failure;

/// Hosts for which rustc links with LLD.
const HOSTS: [&str; 1] = ["x86_64-unknown-linux-gnu"];

/// Whether the linker of this host takes an order.
pub(crate) fn is_taken(host: &str) -> bool {
    HOSTS.contains(&host)
}

/// Writes an order into `folder`, and answers what the compiler has to be told. It is made from what llvm-profdata shows of counts under
/// traffic and at rest, and from what callgrind wrote of the program at rest.
pub(crate) fn words([traffic, at_rest]: &[String; 2], ran: &str, folder: &Path) -> Result<[String; 2], Failure> {
    let mut rest = executed(ran);
    rest.extend(functions(at_rest));
    let text = ordered(&functions(traffic), &rest).join("\n");
    // Named by its content, as cargo does not look into it.
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    let order = folder.join(format!("{:016x}.order", hasher.finish()));
    std::fs::write(&order, text).map_err(|error| Failure::io("write", &order, &error))?;
    // What was put into its callers is not there any more, which is no reason to warn.
    let words = [format!("-Wl,--symbol-ordering-file={}", order.display()), "-Wl,--no-warn-symbol-ordering".to_owned()];
    Ok(words.map(|word| format!("-Clink-arg={word}")))
}

/// The symbols of the functions that ran: those that ran under traffic alone, the busiest last, and those that also ran at rest, the
/// busiest first.
fn ordered<'a>(traffic: &HashMap<&'a str, u64>, at_rest: &HashMap<&'a str, u64>) -> Vec<&'a str> {
    let mut all: Vec<(bool, u64, &str)> = at_rest
        .iter()
        .filter(|(name, _)| !traffic.contains_key(**name))
        .chain(traffic)
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

/// The functions of the program itself that ran, out of what callgrind wrote: a name, and the instructions of its own.
fn executed(written: &str) -> HashMap<&str, u64> {
    let (mut objects, mut functions) = (Names::default(), Names::default());
    let (mut object, mut function) = ("", "");
    let mut ran = HashMap::new();
    let mut lines = written.lines();
    while let Some(line) = lines.next() {
        match line.split_once('=') {
            Some(("ob", named)) => object = objects.read(named),
            Some(("fn", named)) => function = functions.read(named),
            // Who is called may be named here for the first time; the line after `calls` is the cost of it.
            Some(("cob", named)) => drop(objects.read(named)),
            Some(("cfn", named)) => drop(functions.read(named)),
            Some(("calls", _)) => drop(lines.next()),
            None if object.ends_with("/seawall") => {
                let Some(cost) = line.split_once(' ').and_then(|(_, cost)| cost.parse::<u64>().ok()) else { continue };
                *ran.entry(function).or_default() += cost;
            }
            _ => {}
        }
    }
    ran
}

/// Names in a file of callgrind: `(12) name` the first time, `(12)` from then on.
#[derive(Default)]
struct Names<'a>(HashMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    fn read(&mut self, text: &'a str) -> &'a str {
        let (number, name) = text.split_once(' ').unwrap_or((text, ""));
        if !name.is_empty() {
            self.0.insert(number, name);
        }
        self.0.get(number).copied().unwrap_or_default()
    }
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
        let ordered = ordered(&functions(&traffic), &functions(&at_rest));
        assert_eq!(ordered, ["rare", "busy", "timer", "stop", "start"]);
    }

    #[test]
    fn functions_of_the_program_alone_are_read_from_what_callgrind_wrote() {
        let written = "version: 1\npositions: line\nevents: Ir\nsummary: 7\n\nob=(1) /lib/libc.so.6\nfn=(1) malloc\n0 90\n\n\
            ob=(2) /made/seawall\nfn=(2) _ZN4main17h01E\n0 5\n+3 2\ncob=(1)\ncfn=(1)\ncalls=4 0\n0 360\ncfn=(3) sqlite3Step\n\
            calls=1 0\n0 40\n* 1\n\nfn=(3)\n0 40\n\nob=(1)\nfn=(1)\n0 1\n\ntotals: 499\n";
        assert_eq!(executed(written), HashMap::from([("_ZN4main17h01E", 8), ("sqlite3Step", 40)]));
        assert!(executed("").is_empty());
    }

    #[test]
    fn what_ran_is_named_with_the_count_of_its_busiest_block() {
        let expected = [("_ZN1c5often17h03E", 55_086_543), ("_ZN1b4once17h02E", 1)];
        assert_eq!(functions(SHOWN), HashMap::from(expected));
        assert!(functions("").is_empty());
    }
}
