//! A throw-away Redis or Valkey. It listens on a Unix socket in a directory of its own, keeps nothing on disk, and ends with the test.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::TemporaryDirectory;

/// What starting may take on a busy machine.
const STARTING: Duration = Duration::from_secs(20);

/// A running server.
#[derive(Debug)]
pub struct RedisServer {
    directory: TemporaryDirectory,
    options: Vec<String>,
    child: Mutex<Child>,
}

impl RedisServer {
    /// Starts an empty one.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts an empty one with further options, such as `--requirepass`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let directory = TemporaryDirectory::new();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = Mutex::new(run(directory.path(), &options));
        Self { directory, options, child }
    }

    /// Starts one that listens on a port of this machine too.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with_port() -> (Self, u16) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        (Self::start_with(&["--port", &port.to_string()]), port)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Gives it a command, and reads the first line of its answer.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn command(&self, words: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("the server listens");
        writeln!(stream, "{words}\r").expect("the server reads");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("the server answers");
        line.trim_end().to_owned()
    }

    /// Ends it at once, as a crash would.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn stop(&self) {
        let mut child = self.child.lock().expect("nobody panics here");
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    }

    /// Starts it again, empty, after it was stopped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&self) {
        *self.child.lock().expect("nobody panics here") = run(self.directory.path(), &self.options);
    }

    /// Lets it not run, until the answer is dropped.
    ///
    /// # Panics
    /// When it has ended.
    pub fn freeze(&self) -> Frozen {
        let id = self.child.lock().expect("nobody panics here").id();
        let process = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(process, Signal::STOP).expect("it runs");
        Frozen(process)
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server that was stopped.
#[derive(Debug)]
pub struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        let _ended = kill_process(self.0, Signal::CONT);
    }
}

/// Starts a server, and waits until it takes connections.
fn run(directory: &Path, options: &[String]) -> Child {
    let program = ["redis-server", "valkey-server"].into_iter().find(|program| {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    });
    let program = program.expect("Redis or Valkey is installed; ./test --prepare installs it");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program, "--port", "0", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(directory).arg("--unixsocket").arg(directory.join("redis.sock")).args(options);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
    let log = BufReader::new(child.stdout.take().expect("its log"));
    let (ready, told) = mpsc::channel();
    // Reads on after that, so that the server never waits for its log.
    thread::spawn(move || {
        let mut lines = Vec::new();
        for line in log.lines().map_while(Result::ok) {
            if line.contains("eady to accept connections") {
                drop(ready.send(Ok(())));
            }
            lines.push(line);
        }
        drop(ready.send(Err(lines.join("\n"))));
    });
    told.recv_timeout(STARTING).expect("the server starts in time").unwrap_or_else(|log| panic!("no server:\n{log}"));
    child
}
