//! A throw-away PostgreSQL server. Its cluster is made once and copied; it listens on a Unix socket and on a port of this machine,
//! and ends with the test.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What starting may take on a busy machine.
const STARTING: Duration = Duration::from_secs(20);

/// Everybody is let in by the socket, and by the port all but `locked`, who needs a password.
const HBA: &str = "\
local all all trust
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
";

/// A running server.
pub(crate) struct Server {
    directory: TempDir,
    port: u16,
    extra: Vec<String>,
    child: Mutex<Child>,
}

impl Server {
    /// Starts one with an empty database.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], |_, _| {})
    }

    /// Starts one with these options, after `prepare` has put files into its directory.
    pub(crate) fn start_with(extra: &[&str], prepare: impl FnOnce(&Path, &dyn Fn(&Path))) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let owner = Owner::find();
        owner.give(directory.path());
        let data = directory.path().join("data");
        copy(&template(&owner), &data, &owner);
        prepare(&data, &|path| owner.give(path));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let extra: Vec<String> = extra.iter().map(|option| (*option).to_owned()).collect();
        let child = Mutex::new(run(directory.path(), port, &extra));
        Self { directory, port, extra, child }
    }

    /// Where it is, by its socket.
    pub(crate) fn url(&self) -> String {
        format!("postgres://seawall@/postgres?host={}&port={}", self.directory.path().display(), self.port)
    }

    /// Where it is, by its port.
    pub(crate) fn tcp_url(&self, user: &str, parameters: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/postgres?{parameters}", self.port)
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn stop(&self) {
        let mut child = self.child.lock().unwrap();
        if child.try_wait().unwrap().is_none() {
            kill_process(pid(child.id()), Signal::QUIT).unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again, after it was stopped.
    pub(crate) fn start_again(&self) {
        *self.child.lock().unwrap() = run(self.directory.path(), self.port, &self.extra);
    }

    /// Lets none of its processes run, until the answer is dropped.
    pub(crate) fn freeze(&self) -> Frozen {
        let postmaster = self.child.lock().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
        let children = children.split_whitespace().map(|id| id.parse().unwrap());
        let frozen: Vec<Pid> = std::iter::once(postmaster).chain(children).map(pid).collect();
        // One may have ended in between.
        frozen.iter().for_each(|&process| {
            let _ = kill_process(process, Signal::STOP);
        });
        Frozen(frozen)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The processes of a server that were stopped.
pub(crate) struct Frozen(Vec<Pid>);

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.iter().for_each(|&process| {
            let _ = kill_process(process, Signal::CONT);
        });
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.try_into().unwrap()).unwrap()
}

/// Starts a server on a cluster, and waits until it takes connections.
fn run(directory: &Path, port: u16, extra: &[String]) -> Child {
    let mut command = Owner::find().command("postgres");
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory).arg("-p").arg(port.to_string());
    let settings = ["listen_addresses=127.0.0.1", "shared_buffers=16MB", "max_connections=40", "fsync=on"];
    for setting in settings.into_iter().chain(extra.iter().map(String::as_str)) {
        command.arg("-c").arg(setting);
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let (ready, told) = mpsc::channel();
    // Reads on after that, so that the server never waits for its log.
    thread::spawn(move || {
        let mut lines = Vec::new();
        for line in log.lines().map_while(Result::ok) {
            if line.contains("ready to accept connections") {
                drop(ready.send(Ok(())));
            }
            lines.push(line);
        }
        drop(ready.send(Err(lines.join("\n"))));
    });
    told.recv_timeout(STARTING).expect("the server starts in time").unwrap_or_else(|log| panic!("no server:\n{log}"));
    child
}

/// An empty cluster, made once for all tests.
fn template(owner: &Owner) -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = cache.join("postgres-template");
    let lock = File::create(cache.join("postgres-template.lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        // The server's user may not reach the cache.
        let directory = tempfile::tempdir().unwrap();
        owner.give(directory.path());
        let data = directory.path().join("data");
        let mut initdb = owner.command("initdb");
        initdb.arg("-D").arg(&data).args(["--username=seawall", "--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust"]);
        let made = initdb.args(["--wal-segsize=1", "--no-instructions"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        let unfinished = cache.join("postgres-template.unfinished");
        drop(fs::remove_dir_all(&unfinished));
        copy(&data, &unfinished, &Owner::same());
        fs::rename(&unfinished, &template).unwrap();
    }
    template
}

/// Copies a directory for its owner alone.
fn copy(from: &Path, to: &Path, owner: &Owner) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target, owner);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            owner.give(&target);
        }
    }
    owner.give(to);
}

/// Whom the server runs as: PostgreSQL refuses to run as root.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        if !rustix::process::getuid().is_root() {
            return Self::same();
        }
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let ids = |name: &str| {
            let mut fields = users.lines().find_map(|line| line.strip_prefix(&format!("{name}:")))?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        Self(Some(ids("postgres").or_else(|| ids("nobody")).expect("a user who is not root")))
    }

    const fn same() -> Self {
        Self(None)
    }

    /// Makes a file or a directory theirs.
    fn give(&self, path: &Path) {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        if let Some((user, group)) = self.0 {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// One of the server's programs, which does not outlive the test.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some((user, group)) = self.0 {
            command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]);
        }
        command.arg("--").arg(programs().join(program)).env("LC_ALL", "C.UTF-8").current_dir("/");
        command
    }
}

/// Where the server's programs are: Debian keeps each version's in a folder that is not on the search path.
pub(crate) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest =
        versions.map(|entry| entry.path()).filter(|path| number(path).is_some()).max_by_key(|path| number(path));
    if let Some(newest) = newest {
        return newest.join("bin");
    }
    let told = Command::new("pg_config").arg("--bindir").output().expect("PostgreSQL is installed");
    PathBuf::from(String::from_utf8(told.stdout).unwrap().trim())
}
