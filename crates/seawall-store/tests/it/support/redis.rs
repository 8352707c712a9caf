//! A throw-away Redis or Valkey. It listens on a Unix socket in a directory of its own, keeps nothing on disk, and ends with the test.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What starting may take on a busy machine.
const STARTING: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct RedisServer {
    directory: TempDir,
    child: Mutex<Child>,
}

impl RedisServer {
    /// Starts an empty one.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = Mutex::new(run(directory.path()));
        Self { directory, child }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.directory.path().join("redis.sock").display())
    }

    /// Gives it a command, and reads the first line of its answer.
    pub(crate) fn command(&self, words: &str) -> String {
        let mut stream = UnixStream::connect(self.directory.path().join("redis.sock")).unwrap();
        writeln!(stream, "{words}\r").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn stop(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again, empty, after it was stopped.
    pub(crate) fn start_again(&self) {
        *self.child.lock().unwrap() = run(self.directory.path());
    }

    /// Lets it not run.
    pub(crate) fn freeze(&self) {
        kill_process(self.process(), Signal::STOP).unwrap();
    }

    /// Lets it run again.
    pub(crate) fn thaw(&self) {
        kill_process(self.process(), Signal::CONT).unwrap();
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.child.lock().unwrap().id().try_into().unwrap()).unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a server, and waits until it takes connections.
fn run(directory: &Path) -> Child {
    let program = ["redis-server", "valkey-server"].into_iter().find(|program| {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    });
    let program = program.expect("Redis or Valkey is installed; ./test --prepare installs it");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program, "--port", "0", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(directory).arg("--unixsocket").arg(directory.join("redis.sock"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stdout.take().unwrap());
    let (ready, told) = mpsc::channel();
    // Reads on after that, so that the server never waits for its log.
    thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if line.contains("eady to accept connections") {
                let _heard = ready.send(());
            }
        }
    });
    told.recv_timeout(STARTING).expect("the server starts in time");
    child
}
