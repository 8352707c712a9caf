//! An HTTP/2 upstream that a test writes out frame by frame.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};

use crate::client::H2RawClient;

const LIMIT: Duration = Duration::from_secs(10);

/// A listener whose connections are the test's.
#[derive(Debug)]
pub struct H2RawServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl H2RawServer {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a listener has an address");
        Self { listener, address }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next connection, its preface read and these settings sent. Its frames are read and written as a client's are.
    pub async fn accept(&self, settings: &[(u16, u32)]) -> H2RawClient {
        let accepted = timeout(LIMIT, self.listener.accept()).await.expect("a connection in time");
        let (stream, _) = accepted.expect("a listener accepts");
        H2RawClient::accepted(stream, settings).await
    }
}
