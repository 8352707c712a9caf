//! What ends the application when Seawall cannot: a small shell beside it that waits for the end of a pipe.
//!
//! The system closes the pipe however Seawall ends, by SIGKILL too. The shell then sends SIGTERM to the application's process
//! group, waits as Seawall would, and kills what is left. A parent-death signal would need `unsafe`, would reach only one
//! process of the group, and exists on Linux alone.

use std::{process::Stdio, time::Duration};

use tokio::process::{Child, Command};

/// `$1` is the group, `$2` how many seconds it may take to end.
const SCRIPT: &str = r#"read -r nothing
kill -s TERM -- "-$1" 2>/dev/null
left=$2
while [ "$left" -gt 0 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 1; left=$((left - 1)); done
kill -s KILL -- "-$1" 2>/dev/null"#;

/// The shell. Dropped before it is dismissed, it ends the group.
#[derive(Debug)]
pub(super) struct Keeper(Option<Child>);

impl Keeper {
    /// A keeper of this process group. Where there is no shell, as in the smallest containers, there is no keeper.
    pub(super) fn start(group: u32, grace: Duration) -> Self {
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "seawall-keeper", &group.to_string(), &seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Signals to a terminal must not reach it either.
            .process_group(0);
        match command.spawn() {
            Ok(child) => Self(Some(child)),
            Err(error) => {
                tracing::warn!(error = %error, "no shell can be started beside the application, so it will go on if this process is killed");
                Self(None)
            }
        }
    }

    /// Sends it away: the group has ended.
    pub(super) async fn dismiss(&mut self) {
        if let Some(mut child) = self.0.take() {
            // One that has ended already has nothing left to do.
            let _ended = child.kill().await;
        }
    }
}
