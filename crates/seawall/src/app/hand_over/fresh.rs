//! A successor that this process started: what it says until it serves, and how it ended.

use std::{
    collections::VecDeque,
    os::unix::process::ExitStatusExt,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{HandOverError, Program};

/// How many of its last lines are kept, and how much of each.
const MOST_LINES: usize = 20;
const MOST_LINE_BYTES: usize = 1_000;

/// How long what it said last may take to be read.
const LINES_LIMIT: Duration = Duration::from_secs(1);

/// A process that was started to take over. Its log goes where ours goes; its standard error is listened to until it serves.
#[derive(Debug)]
pub(super) struct Fresh {
    child: Child,
    pid: u32,
    lines: Arc<Mutex<VecDeque<String>>>,
    listening: Option<JoinHandle<()>>,
}

impl Fresh {
    /// Starts it.
    pub(super) fn start(program: &Program) -> Result<Self, HandOverError> {
        let fault = |source| HandOverError::Start { program: program.path.clone(), source };
        let mut child =
            Command::new(&program.path).args(&program.arguments).stderr(Stdio::piped()).spawn().map_err(fault)?;
        let lines = Arc::default();
        let listening = child.stderr.take().map(|stream| tokio::spawn(listen(stream, Arc::clone(&lines))));
        Ok(Self { pid: child.id().unwrap_or_default(), child, lines, listening })
    }

    /// Its process.
    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended, and says how.
    pub(super) async fn ended(&mut self) -> HandOverError {
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => return HandOverError::Link(error),
        };
        if let Some(listening) = self.listening.take() {
            // What it started may hold its standard error open.
            let _late = timeout(LINES_LIMIT, listening).await;
        }
        let words = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown status".to_owned(),
        };
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        HandOverError::Ended { code: status.code(), status: words, lines }
    }

    /// Ends it at once, if it still runs.
    pub(super) async fn kill(&mut self) {
        // One that has ended has nothing left to end.
        let _ended = self.child.kill().await;
    }
}

async fn listen(stream: impl AsyncRead + Unpin, lines: Arc<Mutex<VecDeque<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        line.truncate(MOST_LINE_BYTES);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(text);
        if lines.len() > MOST_LINES {
            lines.pop_front();
        }
    }
}
