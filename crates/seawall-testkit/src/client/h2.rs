//! An HTTP/2 client by prior knowledge (no TLS, no upgrade), over hyper.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::raw::DEFAULT_LIMIT;

/// One HTTP/2 connection; requests may run at the same time. It ends when this is dropped.
#[derive(Debug)]
pub struct H2Client {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    limit: Duration,
    driver: JoinHandle<()>,
}

impl H2Client {
    /// Opens a connection; panics when it is refused or not there within the default limit.
    pub async fn connect(address: SocketAddr) -> Self {
        let handshake = async {
            let stream = TcpStream::connect(address).await.expect("the server accepts connections");
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("the server speaks HTTP/2")
        };
        let (sender, connection) = timeout(DEFAULT_LIMIT, handshake).await.expect("the server answers in time");
        let driver = tokio::spawn(async move {
            // How the connection ended shows in the requests on it.
            let _ended = connection.await;
        });
        Self { sender, address, limit: DEFAULT_LIMIT, driver }
    }

    /// Waits this long for each answer instead of [`DEFAULT_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends a GET request for a path.
    pub async fn get(&self, path: &str) -> http::Response<Bytes> {
        let request = http::Request::get(path).body(Full::default()).expect("the path is a valid URI");
        self.request(request).await
    }

    /// Sends a request and reads its whole answer; a URI without authority is completed with the server's address.
    pub async fn request(&self, request: http::Request<Full<Bytes>>) -> http::Response<Bytes> {
        let asked = format!("{} {}", request.method(), request.uri());
        match self.try_request(request).await {
            Ok(response) => response,
            Err(error) => panic!("{asked} to {} over HTTP/2: {error:?}", self.address),
        }
    }

    /// As [`Self::request`], for answers that may break off; still panics when the limit passes.
    pub async fn try_request(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Bytes>, hyper::Error> {
        let (parts, body) = self.open(request).await?.into_parts();
        let mut received = Vec::new();
        let reading = timeout(self.limit, collect(body, &mut received)).await;
        let Ok(read) = reading else {
            panic!(
                "HTTP/2 body from {} not complete within {:?}; received {parts:?} and {} bytes",
                self.address,
                self.limit,
                received.len()
            );
        };
        read?;
        Ok(http::Response::from_parts(parts, received.into()))
    }

    /// Sends a request and returns when the head of its answer is there, with the body still to come.
    pub async fn open(
        &self,
        mut request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, hyper::Error> {
        if request.uri().authority().is_none() {
            let uri = format!("http://{}{}", self.address, request.uri());
            *request.uri_mut() = uri.parse().expect("an address and a path make a URI");
        }
        let mut sender = self.sender.clone();
        let sending = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        timeout(self.limit, sending).await.unwrap_or_else(|_| {
            panic!("no HTTP/2 head from {} within {:?}; received nothing", self.address, self.limit)
        })
    }
}

impl Drop for H2Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn collect(mut body: Incoming, received: &mut Vec<u8>) -> Result<(), hyper::Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            received.extend_from_slice(&data);
        }
    }
    Ok(())
}
