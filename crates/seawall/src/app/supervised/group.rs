//! A process group: signals to all of it, and whether any of it still runs.

use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid};

/// Sends a signal to every process of a group. A group that has ended needs none.
pub(super) fn signal(group: Pid, signal: Signal) {
    let _ended = kill_process_group(group, signal);
}

/// Whether a process of a group still runs. Its leader must have been waited for.
pub(super) fn runs(group: Pid) -> bool {
    // As the first process of a container, Seawall inherits what the leader leaves behind, and has to collect it.
    while waitpgid(group, WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
    test_kill_process_group(group).is_ok() && !only_ended(group)
}

/// Whether all that is left of a group has ended and waits to be collected, by a first process that collects late or never.
/// Only Linux tells.
fn only_ended(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let mut members = 0;
    for process in processes.flatten() {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let Some((state, member_of)) = state_and_group(&stat) else { continue };
        if member_of == group.as_raw_nonzero().get() {
            members += 1;
            if state != "Z" && state != "X" {
                return false;
            }
        }
    }
    members > 0
}

/// The state and the group in the text of `/proc/PID/stat`: `7 (any) name) S 1 7 …` (proc(5)).
fn state_and_group(stat: &str) -> Option<(&str, i32)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut parts = rest.split(' ');
    let state = parts.next()?;
    Some((state, parts.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_account_of_a_process_is_read() {
        assert_eq!(state_and_group("7 (my) (app) S 1 42 42 0"), Some(("S", 42)));
        assert_eq!(state_and_group("7 (sh) Z 1 7"), Some(("Z", 7)));
        assert_eq!(state_and_group(""), None);
    }
}
