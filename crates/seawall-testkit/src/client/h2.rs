//! An HTTP/2 client by prior knowledge (no TLS, no upgrade), over hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::raw::DEFAULT_LIMIT;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One HTTP/2 connection; requests may run at the same time. It ends when this is dropped.
#[derive(Debug)]
pub struct H2Client {
    sender: SendRequest<Body>,
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
        read(self.open(request).await?, self.address, self.limit).await
    }

    /// Begins a request whose body, of no declared length, is what is sent to the channel until its sender is dropped. The
    /// task ends with the whole answer; aborting it resets the stream.
    pub fn upload(
        &self,
        request: http::Request<()>,
    ) -> (mpsc::Sender<Bytes>, JoinHandle<Result<http::Response<Bytes>, hyper::Error>>) {
        let (pieces, received) = mpsc::channel::<Bytes>(1);
        let frames = stream::unfold(received, |mut received| async {
            received.recv().await.map(|piece| (Ok::<_, Infallible>(Frame::data(piece)), received))
        });
        let request = request.map(|()| StreamBody::new(frames).boxed_unsync());
        let opening = start(self.sender.clone(), completed(request, self.address), self.address, self.limit);
        let (address, limit) = (self.address, self.limit);
        (pieces, tokio::spawn(async move { read(opening.await?, address, limit).await }))
    }

    /// Sends a request and returns when the head of its answer is there, with the body still to come.
    pub async fn open(&self, request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>, hyper::Error> {
        let request = completed(request.map(BodyExt::boxed_unsync), self.address);
        start(self.sender.clone(), request, self.address, self.limit).await
    }
}

impl Drop for H2Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The request with an authority in its URI.
fn completed(mut request: http::Request<Body>, address: SocketAddr) -> http::Request<Body> {
    if request.uri().authority().is_none() {
        let uri = format!("http://{address}{}", request.uri());
        *request.uri_mut() = uri.parse().expect("an address and a path make a URI");
    }
    request
}

async fn start(
    mut sender: SendRequest<Body>,
    request: http::Request<Body>,
    address: SocketAddr,
    limit: Duration,
) -> Result<http::Response<Incoming>, hyper::Error> {
    let sending = async {
        sender.ready().await?;
        sender.send_request(request).await
    };
    timeout(limit, sending)
        .await
        .unwrap_or_else(|_| panic!("no HTTP/2 head from {address} within {limit:?}; received nothing"))
}

async fn read(
    answer: http::Response<Incoming>,
    address: SocketAddr,
    limit: Duration,
) -> Result<http::Response<Bytes>, hyper::Error> {
    let (parts, body) = answer.into_parts();
    let mut received = Vec::new();
    let reading = timeout(limit, collect(body, &mut received)).await;
    let Ok(read) = reading else {
        panic!(
            "HTTP/2 body from {address} not complete within {limit:?}; received {parts:?} and {} bytes",
            received.len()
        );
    };
    read?;
    Ok(http::Response::from_parts(parts, received.into()))
}

async fn collect(mut body: Incoming, received: &mut Vec<u8>) -> Result<(), hyper::Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            received.extend_from_slice(&data);
        }
    }
    Ok(())
}
