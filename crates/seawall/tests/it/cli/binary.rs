//! The binary in a directory of its own, what it says, and a server that it runs.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

use seawall_testkit::{TemporaryDirectory, client::Client};

use crate::applications::child::{Child, LIMIT};

/// Both listeners on free ports.
pub(crate) const FREE_PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

/// A directory to run the binary in.
pub(crate) struct Place {
    directory: TemporaryDirectory,
    variables: Vec<(&'static str, String)>,
}

/// What a command said, and its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Nothing when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self { directory: TemporaryDirectory::new(), variables: Vec::new() }
    }

    /// With this configuration file.
    pub(crate) fn with_config(toml: &str) -> Self {
        Self::new().with_file("seawall.toml", toml)
    }

    /// With this file.
    pub(crate) fn with_file(self, name: &str, text: &str) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("the directory")).expect("a folder for the file");
        fs::write(path, text).expect("the file can be written");
        self
    }

    /// With this environment variable.
    pub(crate) fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A command in this directory, with the search path and this place's variables as its environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear();
        // The second is where an instrumented build writes its counts.
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the binary.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_seawall"));
        command.args(arguments);
        Child::start(command)
    }

    /// Runs the binary to its end.
    pub(crate) fn seawall(&self, arguments: &[&str]) -> Said {
        let mut child = self.start(arguments);
        Said { code: child.ended(), out: child.out(), err: child.err() }
    }

    /// Runs `git` to its end.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut command = self.command("git");
        let mut child = Child::start({
            command.args(arguments);
            command
        });
        assert_eq!(child.ended(), Some(0), "{child}");
    }

    /// What was said, with this place as `DIRECTORY` and what differs from run to run replaced.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let path = self.path().display().to_string();
        redacted(&text.replace(&path, "DIRECTORY"))
    }

    /// A server on free ports.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_with(&[], arguments)
    }

    /// A server on free ports, with these environment variables besides those of the place.
    pub(crate) fn serve_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Server {
        let mut command = self.command(env!("CARGO_BIN_EXE_seawall"));
        command.args(arguments).args(FREE_PORTS).envs(variables.iter().copied());
        let child = Child::start(command);
        let address = |label: &'static str| {
            child.said(label, move |said| {
                let line = said.lines().find_map(|line| line.strip_prefix(&format!("  {label} ")))?;
                Some(line.split_whitespace().next()?.to_owned())
            })
        };
        let (public, admin) = (address("public  "), address("admin   "));
        let server = Server { child, public, admin };
        server.answers();
        server
    }
}

impl Said {
    /// What was said on the standard output by a command that did what it was asked.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// What was said on the standard error by a command that failed with this exit code and answered nothing.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{self:?}");
        self.err
    }
}

/// A server that runs; dropped, it is killed.
pub(crate) struct Server {
    pub(crate) child: Child,
    public: String,
    admin: String,
}

impl Server {
    /// A client of the public listener.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.public)
    }

    /// A client of the admin listener, without its token.
    pub(crate) fn admin_client(&self) -> Client {
        Client::new(&self.admin)
    }

    /// Waits until the admin listener answers, so that the server has begun to serve.
    fn answers(&self) {
        let authority = self.admin.strip_prefix("http://").expect("it is a URL");
        let mut stream = TcpStream::connect(authority).expect("the banner says where it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
        let request = format!("GET /health/live HTTP/1.0\r\nHost: {authority}\r\n\r\n");
        let mut answer = String::new();
        let asked = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        assert!(asked.is_ok() && answer.contains(" 200 "), "{answer:?} from {}", self.child);
    }

    /// The public listener's `ADDRESS:PORT`.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        let authority = self.public.strip_prefix("http://").expect("it is a URL");
        authority.parse().expect("an address and a port")
    }

    /// Where the application's calls to other services come in.
    pub(crate) fn outbound(&self) -> std::net::SocketAddr {
        let url = self.child.said("outbound", |said| {
            let line = said.lines().find_map(|line| line.strip_prefix("  outbound http://"))?;
            Some(line.split('/').next()?.to_owned())
        });
        url.parse().expect("an address and a port")
    }

    /// Whether its log says this.
    pub(crate) fn logged(&self, text: &str) {
        self.child.said(text, |said| said.contains(text).then_some(()));
    }

    /// The line of its log that says this.
    pub(crate) fn logged_line(&self, text: &str) -> String {
        self.child.said(text, |said| said.lines().find(|line| line.contains(text)).map(str::to_owned))
    }

    /// Ends it as an operator does; gives the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.child.signal("TERM");
        self.child.ended()
    }
}

/// The text with ports, ids and figures of time and memory replaced.
fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let line = after(line, "127.0.0.1:", |c| c.is_ascii_digit(), "PORT");
        let line = after(&line, ", up ", |c| c.is_ascii_digit(), "N");
        let line = after(&line, ", process ", |c| c.is_ascii_digit(), "N");
        let line = after(&line, "memory   ", |c| c.is_ascii_digit() || c == '.', "N");
        out.push_str(&line);
    }
    out
}

/// The line with what stands after each `mark` replaced, as long as `part` holds.
fn after(line: &str, mark: &str, part: fn(char) -> bool, word: &str) -> String {
    let mut pieces = line.split(mark);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(mark);
        let rest = piece.trim_start_matches(part);
        if rest.len() < piece.len() {
            out.push_str(word);
        }
        out.push_str(rest);
    }
    out
}
