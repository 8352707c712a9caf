//! An application that a test writes out byte by byte.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// How long a connection is still read after its last answer, as good servers do.
const LINGER: Duration = Duration::from_secs(2);

/// A listener that does the same with every connection; dropped, it ends.
pub(super) struct Scripted {
    url: String,
    task: AbortHandle,
}

impl Scripted {
    /// Does `script` with every connection on a free port.
    pub(super) async fn start<F>(script: impl Fn(Peer) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                connections.spawn(script(Peer { stream, bytes: Vec::new() }));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, task: task.abort_handle() }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, from the application's side.
pub(super) struct Peer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Peer {
    /// The next request's head; nothing when the connection ended before one.
    pub(super) async fn head(&mut self) -> Option<String> {
        self.until(b"\r\n\r\n").await
    }

    /// Everything up to the end of these bytes.
    pub(super) async fn until(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.bytes.windows(end.len()).position(|window| window == end) {
                let taken: Vec<u8> = self.bytes.drain(..at + end.len()).collect();
                return Some(String::from_utf8(taken).unwrap());
            }
            if !matches!(self.stream.read_buf(&mut self.bytes).await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Writes these bytes; whether the other side took them.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Says that nothing more comes, and reads what is still sent.
    pub(super) async fn linger(mut self) {
        let _gone = self.stream.shutdown().await;
        let rest = async { while matches!(self.stream.read_buf(&mut self.bytes).await, Ok(1..)) {} };
        let _left = tokio::time::timeout(LINGER, rest).await;
    }
}
