//! Whether something else runs on the machine: its load ends up in every figure.

use std::fs;
use std::time::Duration;

use crate::{clock, terminal};

const SAMPLE: Duration = Duration::from_secs(1);
const MOST_BUSY_PERCENT: u64 = 10;

/// Looks at the machine for a second before the bench begins and tells the person when it is not idle.
pub(crate) fn warn_when_busy() {
    let before = ticks();
    clock::wait(SAMPLE);
    let percent = before.zip(ticks()).map_or(0, |(before, after)| busy_percent(before, after));
    if percent > MOST_BUSY_PERCENT {
        terminal::progress(&format!("this machine is {percent} % busy with something else: figures will be unsteady"));
    }
}

/// Idle and all ticks of all cores since the machine started: the first line of proc_stat(5).
fn ticks() -> Option<(u64, u64)> {
    parse(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // Idle and waiting for a disk; the last two fields are guests' time, which user time holds already.
    let idle = fields.get(3)? + fields.get(4)?;
    Some((idle, fields.iter().take(8).sum()))
}

fn busy_percent(before: (u64, u64), after: (u64, u64)) -> u64 {
    let idle = after.0.saturating_sub(before.0);
    let all = after.1.saturating_sub(before.1);
    (100 * all.saturating_sub(idle)).checked_div(all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_is_neither_idle_nor_waiting() {
        let before = parse("cpu  10 0 10 70 10 0 0 0 99 99\ncpu0 1 1 1 1\n").unwrap();
        assert_eq!(before, (80, 100));
        assert_eq!(busy_percent(before, (230, 300)), 25);
        assert_eq!(busy_percent(before, before), 0);
    }
}
