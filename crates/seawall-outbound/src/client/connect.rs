//! One connection to another service: its name resolved, its address looked at, connected and encrypted.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs as provider, pki_types::ServerName};
use seawall_core::{http::globally_reachable, reply::BoxFuture};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

/// Whom TLS believes.
#[derive(Clone)]
pub struct Trust(TlsConnector);

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The system's roots; without any, https fails for each service and says so.
    ///
    /// # Errors
    /// A sentence: TLS cannot be used at all.
    pub fn of_system() -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Systems keep a few roots that are written otherwise than the standard says.
        let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        Ok(Self(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))))
    }
}

/// Where a name may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the internet only. An address that stands in the configuration itself is what its writer meant, wherever it is.
    Internet,
    /// Anywhere, this machine and its networks included.
    Anywhere,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The name cannot be resolved.
    #[error("{host} cannot be resolved")]
    Name {
        host: String,
        #[source]
        source: io::Error,
    },
    /// It leads to where no name may lead.
    #[error("{host} leads to {address}, which is not on the internet; `private_addresses` allows that")]
    Private { host: String, address: IpAddr },
    /// Nobody is there.
    #[error("{address} cannot be connected to")]
    Connect {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// Whoever is there is not who was asked for, or does not speak TLS.
    #[error("no encrypted connection to {host}")]
    Encrypt {
        host: String,
        #[source]
        source: io::Error,
    },
    /// All of it took too long.
    #[error("no connection to {host} within {} ms", limit.as_millis())]
    Late { host: String, limit: Duration },
    /// The address of the configuration names no host.
    #[error("the address names no host")]
    NoHost,
}

/// Makes connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) trust: Trust,
    pub(super) reach: Reach,
    pub(super) limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Link, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<Link, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_matches(['[', ']']).to_owned();
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let limit = self.limit;
        let made = tokio::time::timeout(limit, self.made(&host, port, encrypted)).await;
        made.unwrap_or_else(|_| Err(ConnectError::Late { host, limit }))
    }

    async fn made(&self, host: &str, port: u16, encrypted: bool) -> Result<Link, ConnectError> {
        let stream = self.reached(host, port).await?;
        // A request is written whole; waiting for more to send would only delay its last part. What cannot be set is only slower.
        let _slower = stream.set_nodelay(true);
        if !encrypted {
            return Ok(Link::Plain(TokioIo::new(stream)));
        }
        let fault = |source| ConnectError::Encrypt { host: host.to_owned(), source };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| fault(io::Error::other(error)))?;
        let stream = self.trust.0.connect(name, stream).await.map_err(fault)?;
        Ok(Link::Encrypted(TokioIo::new(Box::new(stream))))
    }

    /// A connection to the first of the name's addresses that takes one. What is connected to is what was looked at, so that a name
    /// that resolves differently the second time leads nowhere else.
    async fn reached(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return connected(SocketAddr::new(address, port)).await;
        }
        let fault = |source| ConnectError::Name { host: host.to_owned(), source };
        let mut last = fault(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        for address in lookup_host((host, port)).await.map_err(fault)? {
            // `localhost` means this machine to whoever writes it.
            if self.reach == Reach::Internet && host != "localhost" && !globally_reachable(address.ip()) {
                last = ConnectError::Private { host: host.to_owned(), address: address.ip() };
                continue;
            }
            match connected(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

async fn connected(address: SocketAddr) -> Result<TcpStream, ConnectError> {
    TcpStream::connect(address).await.map_err(|source| ConnectError::Connect { address, source })
}

/// A connection in clear or encrypted.
#[derive(Debug)]
pub(super) enum Link {
    Plain(TokioIo<TcpStream>),
    Encrypted(TokioIo<Box<TlsStream<TcpStream>>>),
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl Write for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Encrypted(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }
}
