//! Child processes with an end: started with their output in files, asked to stop, and killed when they do not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::cpu;
use crate::clock;
use crate::failure::Failure;

const PAUSE: Duration = Duration::from_millis(20);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A long-running child; dropped, it and its children are gone.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Both outputs go to files: a pipe that nobody reads would stop the child.
    pub(crate) fn start(command: &mut Command, output: &Path, errors: &Path) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let create = |path: &Path| File::create(path).map_err(|error| Failure::io("create", path, &error));
        command.stdin(Stdio::null()).stdout(create(output)?).stderr(create(errors)?);
        let child = command.spawn().map_err(|error| Failure::unavailable(format!("cannot start {name}: {error}")))?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status if the child has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// SIGTERM first, so that a master process takes its workers along and logs are written out.
    pub(crate) fn stop(self) {
        self.stop_within(STOP_LIMIT);
    }

    /// The same, for a program that has much to write at its end.
    pub(crate) fn stop_within(mut self, limit: Duration) {
        signal("TERM", &[self.id()]);
        let _ = clock::poll(limit, PAUSE, || self.ended());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            signal("KILL", &cpu::tree(self.id()));
            let _ = self.child.wait();
        }
    }
}

/// The standard library sends no signal but SIGKILL; every shell has `kill` built in.
fn signal(name: &str, ids: &[u32]) {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let command = format!("kill -{name} {} 2>/dev/null", ids.join(" "));
    // It fails when the process is gone, which is what was wanted.
    let _ = Command::new("sh").args(["-c", &command]).status();
}

/// Runs a program that prints little and ends by itself; killed after `limit`.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::unavailable(format!("cannot start {name}: {error}")))?;
    let status = clock::poll(limit, PAUSE, || child.try_wait().ok().flatten());
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Failure::broken(format!("{name} did not end within {} s", limit.as_secs())));
    }
    let mut text = String::new();
    if let Some(output) = &mut child.stdout {
        output
            .read_to_string(&mut text)
            .map_err(|error| Failure::broken(format!("cannot read what {name} printed: {error}")))?;
    }
    if let Some(errors) = &mut child.stderr {
        // Only added to what is shown; the status decides.
        let _ = errors.read_to_string(&mut text);
    }
    match status {
        Some(status) if status.success() => Ok(text),
        _ => Err(Failure::broken(format!("{name} failed: {}", text.trim()))),
    }
}

/// The first line a child prints.
pub(crate) fn first_line(output: ChildStdout) -> Option<String> {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).ok()?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let failure = output_within(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(failure, Failure::broken("sleep did not end within 0 s"));
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let failure =
            output_within(Command::new("sh").args(["-c", "echo no disk >&2; exit 3"]), STOP_LIMIT).unwrap_err();
        assert_eq!(failure, Failure::broken("sh failed: no disk"));
    }

    #[test]
    fn a_dropped_child_takes_its_children_along() {
        let folder = std::env::temp_dir().join(format!("seawall-process-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("sh");
        let running =
            Running::start(command.args(["-c", "sleep 60 & wait"]), &folder.join("out"), &folder.join("err")).unwrap();
        let tree =
            clock::poll(STOP_LIMIT, PAUSE, || Some(cpu::tree(running.id())).filter(|tree| tree.len() == 2)).unwrap();
        drop(running);
        let gone = || tree.iter().all(|id| cpu::cpu_ticks_of(*id).is_none()).then_some(());
        assert!(clock::poll(STOP_LIMIT, PAUSE, gone).is_some(), "{tree:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
