//! One process of the application and all it starts: a group that is watched, heard, and ended together.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{
    io::AsyncRead,
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    entry::Stream,
    group,
    keeper::Keeper,
    output::{LastLines, Origin, Relay},
};

/// How often a group that is to end is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long the system may take to end what was killed.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// How long the end of the output may take after the end of the process.
const OUTPUT_LIMIT: Duration = Duration::from_secs(1);

/// What is started.
#[derive(Debug)]
pub(super) struct Recipe<'a> {
    /// What it is, in the log.
    pub(super) name: &'static str,
    /// The program and its arguments.
    pub(super) command: &'a [String],
    pub(super) directory: &'a Path,
    pub(super) variables: &'a [(String, String)],
    /// How long its group may take to end when Seawall cannot wait for it.
    pub(super) grace: Duration,
}

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) success: bool,
    /// For people.
    pub(super) words: String,
}

/// A process that was started. Dropped before it was ended, its keeper ends it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    /// The group; nothing once it has ended, because the system may then give its number to another.
    group: Option<Pid>,
    keeper: Keeper,
    last: LastLines,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts it, in a group of its own.
    pub(super) fn start(recipe: &Recipe<'_>, relay: &Relay) -> io::Result<Self> {
        let (program, arguments) = recipe.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(recipe.directory)
            .env_clear()
            .envs(recipe.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let (last, origin) = (LastLines::default(), Origin { process: recipe.name, pid });
        let out = child.stdout.take().map(|out| read(relay, out, Stream::Out, origin, &last));
        let err = child.stderr.take().map(|err| read(relay, err, Stream::Err, origin, &last));
        Ok(Self {
            child,
            pid,
            group: i32::try_from(pid).ok().and_then(Pid::from_raw),
            keeper: Keeper::start(pid, recipe.grace),
            last,
            readers: out.into_iter().chain(err).collect(),
        })
    }

    /// Its process id, and its group's.
    pub(super) const fn id(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. May be asked again.
    pub(super) async fn ended(&mut self) -> Ended {
        match self.child.wait().await {
            Ok(status) => Ended { success: status.success(), words: words(status) },
            Err(error) => Ended { success: false, words: format!("an unknown status ({error})") },
        }
    }

    /// Tells the group to end, waits as long as it may take, and kills what is left.
    pub(super) async fn stop(&mut self, limit: Duration) {
        self.terminate();
        self.end_by(Instant::now() + limit).await;
    }

    /// Tells the group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end of a group that was told to, until then at most, and kills what is left. May be given up and asked again.
    pub(super) async fn end_by(&mut self, until: Instant) {
        if timeout_at(until, self.gone()).await.is_err() {
            tracing::warn!(app.pid = self.pid, "the application did not end in time; it is killed");
        }
        self.kill().await;
    }

    /// Ends what is left of the group at once. Nothing is left afterwards.
    pub(super) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        // What the system does not end in this time hangs in a driver, and nobody can end it.
        let _bounded = timeout(KILL_LIMIT, self.child.wait()).await;
        self.group = None;
        self.keeper.dismiss().await;
        self.heard().await;
    }

    /// The last lines it said. After [`Process::kill`] they are complete.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.all()
    }

    /// Waits until no process of the group is left.
    async fn gone(&mut self) {
        let _status = self.child.wait().await;
        while self.group.is_some_and(group::runs) {
            sleep(LOOK_AGAIN).await;
        }
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            group::signal(group, signal);
        }
    }

    /// Waits for the end of the output, which a process that has left the group may still hold open.
    async fn heard(&mut self) {
        for mut reader in std::mem::take(&mut self.readers) {
            if timeout(OUTPUT_LIMIT, &mut reader).await.is_err() {
                reader.abort();
            }
        }
    }
}

fn read(
    relay: &Relay,
    output: impl AsyncRead + Send + Unpin + 'static,
    stream: Stream,
    origin: Origin,
    last: &LastLines,
) -> JoinHandle<()> {
    tokio::spawn(relay.clone().listen(output, stream, origin, last.clone()))
}

/// How a process ended, for people.
fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
