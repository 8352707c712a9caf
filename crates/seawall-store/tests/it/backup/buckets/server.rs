//! Servers of object stores that others wrote, on ports of this machine; `./test` installs them.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

/// What starting may take on a busy machine; they are large programs in Python and JavaScript.
const STARTING: Duration = Duration::from_secs(60);

/// A running server.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
}

impl Server {
    /// moto, which speaks S3, with everybody's credentials checked when `strict`; nothing when it is not installed.
    pub(super) fn moto(strict: bool) -> Option<Self> {
        let program = installed("buckets/bin/moto_server")?;
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        if strict {
            // The first requests make the user whose credentials are checked from then on.
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", "4");
        }
        Some(Self::start(&mut command, "Running on http://127.0.0.1:"))
    }

    /// Azurite, which speaks Azure Blob.
    pub(super) fn azurite(directory: &Path) -> Option<Self> {
        let program = installed("azurite/node_modules/azurite/dist/src/blob/main.js")?;
        let mut command = Command::new("node");
        command.arg(program).args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--disableTelemetry"]);
        command.args(["--skipApiVersionCheck", "--location"]).arg(directory);
        Some(Self::start(&mut command, "successfully listens on http://127.0.0.1:"))
    }

    fn start(command: &mut Command, announced: &'static str) -> Self {
        use std::os::unix::process::CommandExt as _;
        // A group of its own, so that what it starts ends with it.
        let command = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, told) = mpsc::channel();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let tell = tell.clone();
            // Reads on after that, so that the server never waits for its log.
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some((_, rest)) = line.split_once(announced) {
                        let digits = rest.split(|one: char| !one.is_ascii_digit()).next().unwrap_or_default();
                        let _ = tell.send(digits.parse().unwrap());
                    }
                }
            });
        }
        let port = told.recv_timeout(STARTING);
        let server = Self { child, port: port.unwrap_or_default() };
        assert!(server.port > 0, "the server did not say in time where it listens");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A tool that `./test` installs; where it has, a missing one is a failure.
fn installed(path: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools");
    if let Ok(found) = fs::canonicalize(tools.join(path.split('/').next().unwrap_or_default())) {
        let found = found.join(path.split_once('/').unwrap().1);
        if found.exists() {
            return Some(found);
        }
    }
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{path} is missing; ./test --prepare installs it");
    println!("skipped: {path} is not installed (./test --prepare)");
    None
}
