//! What a process and its children cost, read from `/proc`.

use std::fs;
use std::time::Duration;

/// `/proc/PID/stat` counts in ticks; Linux shows 100 per second to programs on every common architecture (`getconf CLK_TCK`).
const TICKS_PER_SECOND: u64 = 100;

/// The process and everything it started, as far as it still runs.
pub(crate) fn tree(id: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes().filter_map(|process| Some((process, parent(process)?))).collect();
    let mut found = vec![id];
    let mut next = 0;
    while let Some(current) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == current).map(|(child, _)| *child));
        next += 1;
    }
    found
}

/// User and system time of a tree so far.
pub(crate) fn time(id: u32) -> Duration {
    let ticks: u64 = tree(id).into_iter().filter_map(cpu_ticks_of).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// User and system time of one process so far, to the nanosecond: what its threads ran for, by the scheduler's own count. `None` where the
/// system does not show that, or the process is gone.
pub(crate) fn exact_time(id: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten();
    let each = threads.map(|thread| ran(&fs::read_to_string(thread.path().join("sched")).ok()?));
    let total: f64 = each.sum::<Option<f64>>()?;
    Some(Duration::from_secs_f64(total / 1e3))
}

/// The same of a process and everything it started, as far as it still runs.
pub(crate) fn exact_time_of_tree(id: u32) -> Option<Duration> {
    let own = exact_time(id)?;
    Some(own + tree(id).into_iter().filter(|process| *process != id).filter_map(exact_time).sum::<Duration>())
}

/// The most memory each process of the tree had at any time, added up, in KiB.
pub(crate) fn peak_memory_kib(id: u32) -> u64 {
    tree(id).into_iter().filter_map(|process| peak(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)).sum()
}

/// The memory that the processes of a tree have now, added up, in KiB.
pub(crate) fn memory_kib(id: u32) -> u64 {
    tree(id)
        .into_iter()
        .filter_map(|process| resident(&fs::read_to_string(format!("/proc/{process}/status")).ok()?))
        .sum()
}

/// `None` when the process is gone, or dead and not yet collected.
pub(crate) fn cpu_ticks_of(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields = after_name(&stat);
    if fields.first() == Some(&"Z") {
        return None;
    }
    ticks(&fields)
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    after_name(&stat).get(1)?.parse().ok()
}

/// Fields 14 and 15 of proc_pid_stat(5).
fn ticks(fields: &[&str]) -> Option<u64> {
    let user: u64 = fields.get(11)?.parse().ok()?;
    let system: u64 = fields.get(12)?.parse().ok()?;
    Some(user + system)
}

/// The fields from the third on: the second is the program's name in brackets, which may hold spaces and brackets itself.
fn after_name(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect())
}

/// Milliseconds, out of /proc/PID/task/TID/sched.
fn ran(sched: &str) -> Option<f64> {
    let line = sched.lines().find_map(|line| line.strip_prefix("se.sum_exec_runtime"))?;
    line.trim_start().strip_prefix(':')?.trim().parse().ok()
}

fn peak(status: &str) -> Option<u64> {
    field(status, "VmHWM:")
}

fn resident(status: &str) -> Option<u64> {
    field(status, "VmRSS:")
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 3 7 7 0 -1 4194560 1 2 3 4 120 30 5 6 20 0 1 0";
        let fields = after_name(stat);
        assert_eq!((fields[0], fields[1], ticks(&fields)), ("S", "3", Some(150)));
    }

    #[test]
    fn the_schedulers_count_is_read_in_milliseconds() {
        let shown =
            "main (7, #threads: 1)\n-----\nse.vruntime        :   9.5\nse.sum_exec_runtime      :     12.944051\n";
        assert_eq!(ran(shown), Some(12.944_051));
        assert_eq!(ran("main (7, #threads: 1)\n"), None);
    }

    #[test]
    fn peak_memory_is_read_in_kib() {
        assert_eq!(peak("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 5 kB\n"), Some(1234));
        assert_eq!(peak("Name:\tkthreadd\n"), None);
        assert_eq!(resident("VmHWM:\t 1 kB\nVmRSS:\t 5 kB\n"), Some(5));
    }

    #[test]
    fn this_process_is_in_its_own_tree() {
        assert_eq!(tree(std::process::id()).first(), Some(&std::process::id()));
        assert!(peak_memory_kib(std::process::id()) > 0);
    }
}
