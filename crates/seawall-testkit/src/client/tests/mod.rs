//! What the clients themselves promise, beside what the upstream's tests see through them.

mod failure;
mod h2;
mod raw;
mod simple;

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that reads once from one connection, writes `answer` and closes.
async fn canned(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = vec![0; 4096];
        let _count = stream.read(&mut received).await.unwrap();
        stream.write_all(answer).await.unwrap();
    });
    address
}
