//! One small HTTP request over any stream: for health checks and for the command line's talk with a running server. Bounded
//! in size; the caller bounds the time.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

/// The largest answer that is read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// Where a plain HTTP address points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    host: String,
    port: u16,
    path: String,
}

impl Url {
    /// Reads an `http://` address.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: http::Uri =
            text.parse().map_err(|_| format!("\"{text}\" is not a URL, such as \"http://localhost:3000/health\""))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(format!("\"{text}\" is not an http:// address, such as \"http://localhost:3000/health\""));
        };
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: authority.port_u16().unwrap_or(80), path })
    }

    /// Asks for it.
    ///
    /// # Errors
    /// The system's error, or that the answer is not HTTP, or that it took longer than `limit`.
    pub async fn get(&self, limit: Duration) -> io::Result<Answer> {
        let asked = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            exchange(stream, &self.host, "GET", &self.path).await
        };
        tokio::time::timeout(limit, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

/// Asks a server behind a Unix socket.
///
/// # Errors
/// As for [`Url::get`].
pub async fn get_unix(socket: &Path, path: &str, limit: Duration) -> io::Result<Answer> {
    unix(socket, "GET", path, limit).await
}

/// Has a server behind a Unix socket do something; nothing is sent with it.
///
/// # Errors
/// As for [`Url::get`].
pub async fn post_unix(socket: &Path, path: &str, limit: Duration) -> io::Result<Answer> {
    unix(socket, "POST", path, limit).await
}

/// Has a server behind a Unix socket do something with this JSON.
///
/// # Errors
/// As for [`Url::get`].
pub async fn json_unix(socket: &Path, path: &str, json: &str, limit: Duration) -> io::Result<Answer> {
    let asked =
        async { exchange_with(UnixStream::connect(socket).await?, "localhost", "POST", path, Some(json)).await };
    tokio::time::timeout(limit, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn unix(socket: &Path, method: &str, path: &str, limit: Duration) -> io::Result<Answer> {
    let asked = async { exchange(UnixStream::connect(socket).await?, "localhost", method, path).await };
    tokio::time::timeout(limit, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// Whether something accepts connections there.
///
/// # Errors
/// The system's error, or that it took longer than `limit`.
pub async fn connects(host: &str, port: u16, limit: Duration) -> io::Result<()> {
    let connected = tokio::time::timeout(limit, TcpStream::connect((host, port))).await;
    let stream = connected.map_err(|_| io::ErrorKind::TimedOut)??;
    // To a port that nobody listens on, the system may connect a socket of this machine with itself, when it happens to give
    // it that very port.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    method: &str,
    path: &str,
) -> io::Result<Answer> {
    exchange_with(stream, host, method, path, None).await
}

async fn exchange_with(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    method: &str,
    path: &str,
    json: Option<&str>,
) -> io::Result<Answer> {
    // HTTP/1.0: the answer ends with the connection, so no framing has to be understood.
    let length = match (method, json) {
        (_, Some(json)) => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", json.len()),
        ("POST", None) => "Content-Length: 0\r\n".to_owned(),
        (_, None) => String::new(),
    };
    // In one write: a server that answers without reading the body closes with nothing unread, which would reset the connection
    // before the answer is read.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: seawall/{}\r\n{length}Connection: close\r\n\r\n{}",
        crate::VERSION,
        json.unwrap_or_default()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(not_http)?;
    let status =
        head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
    Ok(Answer { status: status.ok_or_else(not_http)?, body: body.to_owned() })
}

fn not_http() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")
}
