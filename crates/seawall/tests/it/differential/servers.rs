//! Servers that write down each request they see, each with a configuration and a directory of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use seawall_testkit::TemporaryDirectory;
use tokio::{net::TcpStream, time::Instant};

use crate::applications::{
    child::{Child, LIMIT},
    tools::{fixture, program},
};

/// How often a file or a port is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A server that runs; dropped, it is killed.
pub(super) struct Server {
    address: SocketAddr,
    child: Child,
    /// Where it writes down what it sees; what it says, when there is none.
    log: Option<PathBuf>,
    _directory: TemporaryDirectory,
}

/// A program that may be outside a user's search path.
pub(super) fn installed(name: &str) -> Option<PathBuf> {
    program(&[name]).or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()))
}

impl Server {
    pub(super) fn python(python: &Path) -> Self {
        Self::script(python, "differential/counting.py")
    }

    pub(super) fn node(node: &Path) -> Self {
        Self::script(node, "differential/counting.js")
    }

    fn script(interpreter: &Path, script: &str) -> Self {
        let mut command = Command::new(interpreter);
        command.arg(fixture(script));
        let child = Child::start(command);
        let port = child.said("its port", |said| said.strip_prefix("listening on ")?.lines().next()?.parse().ok());
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { address, child, log: None, _directory: TemporaryDirectory::new() }
    }

    pub(super) async fn nginx(nginx: &Path) -> Self {
        let directory = TemporaryDirectory::new();
        let (path, address) = (directory.path().display(), free_address());
        let configuration = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/errors;\n\
             events {{ worker_connections 512; }}\n\
             http {{\n\
               log_format seen 'seen $http_x_forwarded_for $request_method $request_uri';\n\
               access_log {path}/seen seen if=$request_length;\n\
               client_body_temp_path {path}/bodies; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;\n\
               uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;\n\
               server {{ listen {address}; ignore_invalid_headers off; large_client_header_buffers 8 64k;\n\
                 client_max_body_size 0; location / {{ return 200 ok; }} }}\n\
             }}\n"
        );
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration).expect("the configuration can be written");
        let mut command = Command::new(nginx);
        command.arg("-c").arg(&file).arg("-p").arg(directory.path());
        Self::listening(command, address, directory).await
    }

    pub(super) async fn apache(apache: &Path) -> Self {
        let directory = TemporaryDirectory::new();
        let (path, address) = (directory.path().display(), free_address());
        let configuration = format!(
            "ServerRoot {path}\nServerName localhost\nListen {address}\nPidFile {path}/pid\n\
             LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
             LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n\
             User www-data\nGroup www-data\nDefaultRuntimeDir {path}\nDocumentRoot {path}/site\nErrorLog {path}/errors\n\
             KeepAlive On\nKeepAliveTimeout 20\nMaxKeepAliveRequests 0\n\
             HttpProtocolOptions Unsafe\nLimitRequestFields 0\nLimitRequestFieldSize 65536\n\
             LogFormat \"seen %{{X-Forwarded-For}}i %m %U\" seen\nCustomLog {path}/seen seen\n"
        );
        fs::create_dir(directory.path().join("site")).expect("a directory can be made");
        let file = directory.path().join("apache.conf");
        fs::write(&file, configuration).expect("the configuration can be written");
        let mut command = Command::new(apache);
        command.arg("-f").arg(&file).args(["-D", "FOREGROUND"]);
        Self::listening(command, address, directory).await
    }

    /// Starts a server with a log, and waits until it accepts connections.
    async fn listening(command: Command, address: SocketAddr, directory: TemporaryDirectory) -> Self {
        let log = Some(directory.path().join("seen"));
        let child = Child::start(command);
        let limit = Instant::now() + LIMIT;
        while TcpStream::connect(address).await.is_err() {
            assert!(Instant::now() < limit, "it does not listen on {address}: {child}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Self { address, child, log, _directory: directory }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was seen, once the last request was: client, method and target of each request.
    pub(super) async fn seen_until(&self, last: &str) -> Vec<String> {
        let limit = Instant::now() + LIMIT;
        loop {
            let text = match &self.log {
                Some(log) => fs::read_to_string(log).unwrap_or_default(),
                None => self.child.out(),
            };
            if text.contains(last) {
                return text.lines().filter_map(|line| line.strip_prefix("seen ")).map(str::to_owned).collect();
            }
            assert!(Instant::now() < limit, "the last request was not seen: {}\n{text}", self.child);
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Servers with processes of their own end them when they are asked to end, not when they are killed.
        self.child.signal("TERM");
        if !std::thread::panicking() {
            self.child.ended();
        }
    }
}

/// An address that nobody listens on a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}
