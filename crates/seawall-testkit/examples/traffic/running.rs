//! The program that is asked.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use seawall_testkit::TemporaryDirectory;

/// How long a program may take to end.
const ENDING: Duration = Duration::from_secs(30);

/// A server in a directory of its own; dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where the application's calls to others go, when it is configured.
    pub(crate) outbound: Option<SocketAddr>,
    pub(crate) directory: TemporaryDirectory,
}

impl Running {
    /// Starts it with this configuration; what it takes beside that is prepared in its directory before.
    pub(crate) fn start(mut program: Command, upstream: &str, config: &str, prepare: impl FnOnce(&Path)) -> Self {
        let directory = TemporaryDirectory::new();
        prepare(directory.path());
        fs::write(directory.path().join("seawall.toml"), config).expect("a configuration file");
        let log = File::create(directory.path().join("requests.log")).expect("a file for the log");
        let mut child = program
            .args(["run", "--config", "seawall.toml", "--to", upstream, "--listen", "127.0.0.1:0"])
            .args(["--admin", "127.0.0.1:0"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let said = child.stderr.take().expect("its standard error is ours");
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let address = lines.find_map(|line| address(&line, "public ")).expect("it says where it listens");
        let mut rest = lines.by_ref().take_while(|line| !line.trim_start().starts_with("admin "));
        let outbound = rest.find_map(|line| self::address(&line, "outbound "));
        // Read on, so that it never waits for room.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, outbound, directory }
    }

    /// It writes its counts when it ends by itself, and only then.
    pub(crate) fn end(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it still runs");
        let begun = Instant::now();
        let ended = loop {
            match self.child.try_wait().expect("it is our child") {
                None if begun.elapsed() < ENDING => std::thread::sleep(Duration::from_millis(20)),
                ended => break ended,
            }
        };
        assert!(ended.as_ref().is_some_and(ExitStatus::success), "it ended with {ended:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn address(line: &str, listener: &str) -> Option<SocketAddr> {
    let url = line.trim_start().strip_prefix(listener)?.trim_start();
    let url = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    url.split(['/', ' ']).next()?.parse().ok()
}
