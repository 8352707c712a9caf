//! Encrypted client connections: handshakes, certificates, clients' certificates, redirects, and who a proxy announces.

mod announced;
mod certificates;
mod handshakes;
mod redirects;
mod serving;

use std::net::SocketAddr;

use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::{RawClient, RawResponse},
    tls::{Authority, Issued},
    upstream::{Kind, Upstream},
};

/// A Seawall that speaks https as `example.com`, and who gave its certificate.
struct Encrypted {
    authority: Authority,
    certificate: Issued,
    upstream: Upstream,
    app: StartedApp,
    folder: std::path::PathBuf,
}

const MAIN: &str = "[tls.main]\ncertificate = \"main.pem\"\nkey = \"main.key\"\n";

impl Encrypted {
    /// With these settings in `[tls]`, and whatever follows.
    async fn start(more: &str) -> Self {
        Self::start_with(more, |_, _| {}).await
    }

    /// As [`Self::start`], with more files in its directory.
    async fn start_with(more: &str, prepare: impl FnOnce(&Authority, &std::path::Path)) -> Self {
        let authority = Authority::new();
        let certificate = authority.issue(&["example.com"]);
        let directory = TemporaryDirectory::new();
        certificate.write(directory.path(), "main");
        std::fs::write(directory.path().join("authority.pem"), authority.pem()).unwrap();
        prepare(&authority, directory.path());
        let upstream = Upstream::start(Kind::ByPath).await;
        let folder = directory.path().to_owned();
        let config = format!("{MAIN}\n{more}");
        let app = TestApp::in_front_of(upstream.url()).with_config(&config).in_directory(directory).start().await;
        Self { authority, certificate, upstream, app, folder }
    }

    fn handshakes(&self, outcome: &str) -> f64 {
        self.app.metric("seawall_tls_handshakes", &[outcome])
    }
}

/// Asks over a connection of its own.
async fn get(address: SocketAddr, path: &str) -> RawResponse {
    RawClient::connect(address).await.send("GET", path, &[("Connection", "close")], b"").await
}
