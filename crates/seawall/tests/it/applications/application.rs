//! The applications: how each is started, on a free port, and started again on the same one.

use std::{net::SocketAddr, path::Path, process::Command};

use seawall_testkit::{TemporaryDirectory, client::Client, upstream::pattern};

use super::{
    child::Child,
    site,
    tools::{fixture, installed, program},
};

/// Which application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Python's `http.server`: static files, HTTP/1.0, GET and HEAD only.
    HttpServer,
    /// Express 5 on Node.js.
    Express,
    /// FastAPI under uvicorn.
    FastApi,
}

/// An application that runs; dropped, it is killed.
pub(crate) struct Application {
    /// Which one.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    site: TemporaryDirectory,
}

impl Application {
    /// Starts it on a free port.
    pub(crate) fn start(kind: Kind) -> Self {
        let site = site();
        let (child, address) = launch(kind, site.path(), 0);
        Self { kind, address, child, site }
    }

    /// Starts it on the port it had, after [`Application::kill`].
    pub(crate) fn start_again(&mut self) {
        let (child, address) = launch(self.kind, self.site.path(), self.address.port());
        assert_eq!(address, self.address);
        self.child = child;
    }

    /// Kills it, as the system does when memory runs out, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.signal("KILL");
        assert_eq!(self.child.ended(), None, "a signal ended it");
    }

    /// Holds it still: it accepts connections, because the system does, and answers nothing.
    pub(crate) fn hold(&self) {
        self.child.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.child.signal("CONT");
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that goes past Seawall.
    pub(crate) fn directly(&self) -> Client {
        Client::new(&self.url())
    }
}

/// The bytes of the static file `/blob.bin`.
pub(crate) fn blob() -> Vec<u8> {
    pattern(1_500_000)
}

/// Starts an application and waits until it says where it listens.
fn launch(kind: Kind, site: &Path, port: u16) -> (Child, SocketAddr) {
    let port = port.to_string();
    let mut command = match kind {
        Kind::HttpServer => {
            let mut command = Command::new(program(&["python3"]).expect("the test found it"));
            command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(site).arg(&port);
            command
        }
        Kind::Express => {
            let mut command = Command::new(program(&["node"]).expect("the test found it"));
            command.arg(fixture("applications/express/server.js"));
            command.env("NODE_PATH", installed("express/node_modules").expect("the test found it"));
            command
        }
        Kind::FastApi => {
            let mut command = Command::new(installed("python/bin/python").expect("the test found it"));
            command.args(["-u", "-m", "uvicorn", "application:app", "--host", "127.0.0.1", "--port", &port]);
            command.arg("--app-dir").arg(fixture("applications/fastapi"));
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command
        }
    };
    let child = Child::start({
        command.env("SITE", site).env("PORT", &port);
        command
    });
    let address = child.said("where it listens", |said| said.split('\n').find_map(announced));
    (child, address)
}

/// The address in a line such as `Uvicorn running on http://127.0.0.1:41957 (Press CTRL+C to quit)`.
fn announced(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
