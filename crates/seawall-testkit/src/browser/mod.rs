//! A real browser, headless Chromium, driven over the DevTools protocol: as many separate visitors as a test wants.

mod connection;
mod page;

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::connection::Connection;
pub use self::page::Page;
use crate::TemporaryDirectory;

/// The longest that a test waits for a browser to do something.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How often is looked whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// No sandbox, because tests run as root in containers; nothing that talks to the network by itself, and no certificate is known.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
];

/// A browser that runs; dropped, it is killed.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    connection: Connection,
    _profile: TemporaryDirectory,
}

impl Browser {
    /// Starts this program and connects to it.
    pub async fn start(program: &Path) -> Self {
        Self::start_with(program, &[]).await
    }

    /// The same, with hosts of which the browser knows where they are: it goes to that address whatever the port of a URL, and takes the
    /// host for the one that the URL names.
    pub async fn start_with(program: &Path, hosts: &[(&str, SocketAddr)]) -> Self {
        let profile = TemporaryDirectory::new();
        let mut command = Command::new(program);
        command.args(FLAGS).arg("--remote-debugging-port=0");
        let rules = hosts.iter().map(|(host, at)| format!("MAP {host} {at}")).collect::<Vec<_>>();
        if !rules.is_empty() {
            command.arg(format!("--host-resolver-rules={}", rules.join(",")));
        }
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("the browser starts");
        let file = profile.path().join("DevToolsActivePort");
        let begun = Instant::now();
        // Two lines: the port, and the path of the socket.
        let (port, path) = loop {
            let said = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some((port, path)) = said.trim().split_once('\n')
                && let Ok(port) = port.parse::<u16>()
            {
                break (port, path.to_owned());
            }
            assert!(begun.elapsed() < LIMIT, "the browser did not say where it listens");
            sleep(LOOK_AGAIN).await;
        };
        let connection = Connection::open(([127, 0, 0, 1], port).into(), &path).await;
        Self { process, connection, _profile: profile }
    }

    /// A page of a visitor of its own: its cookies are nobody else's.
    pub async fn visitor(&mut self) -> Page<'_> {
        let session = self.new_visitor().await;
        self.page(session)
    }

    /// The same by its session, for tests with several: [`Self::page`] goes on with it.
    pub async fn new_visitor(&mut self) -> String {
        let context = self.connection.call(None, "Target.createBrowserContext", json!({})).await;
        let context = context["browserContextId"].clone();
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = self.connection.call(None, "Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.connection.call(None, "Target.attachToTarget", attach).await;
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Network.enable"] {
            self.connection.call(Some(&session), domain, json!({})).await;
        }
        // Of several pages each takes keys, as if it were in front.
        let focused = json!({ "enabled": true });
        self.connection.call(Some(&session), "Emulation.setFocusEmulationEnabled", focused).await;
        session
    }

    /// The page of a session.
    pub fn page(&mut self, session: impl Into<String>) -> Page<'_> {
        Page::new(&mut self.connection, session.into())
    }

    /// What browser it is.
    pub async fn version(&mut self) -> Value {
        self.connection.call(None, "Browser.getVersion", json!({})).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}
