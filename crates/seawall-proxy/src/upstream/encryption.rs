//! How https:// servers are verified: by the system's certificates, or by a file's.

use std::{io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Protocol;

/// Names of protocols in ALPN (RFC 7301, RFC 9113 section 3.2).
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// Why encrypted connections cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The file of certificates cannot be used.
    #[error("the certificates in {} cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system has no certificates.
    #[error(
        "the system has no certificates to verify an https:// upstream by; name a PEM file as `ca_file` in [upstream]"
    )]
    NoSystemCertificates,
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
    /// The host cannot be in a certificate.
    #[error("the host of an https:// upstream is not a name or an address")]
    Name(#[from] InvalidDnsNameError),
}

/// Encrypts connections to the servers of one upstream.
#[derive(Clone)]
pub(super) struct Encryption {
    http1: TlsConnector,
    http2: TlsConnector,
    /// Offers both; the server chooses.
    auto: TlsConnector,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encryption")
    }
}

impl Encryption {
    /// Reads the certificates.
    pub(super) fn new(ca_file: Option<&PathBuf>) -> Result<Self, EncryptionError> {
        let roots = match ca_file {
            Some(path) => from_file(path)?,
            None => of_system()?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // Sessions are kept apart: one that began with another protocol is of no use.
        let mut offering = |protocols: &[&[u8]]| {
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            config.resumption = Resumption::default();
            Arc::new(config.clone()).into()
        };
        Ok(Self { http1: offering(&[HTTP1]), http2: offering(&[HTTP2]), auto: offering(&[HTTP2, HTTP1]) })
    }

    /// Makes a connection an encrypted one, with a server that proves to be `host`; ALPN offers what `protocol` allows.
    pub(super) async fn encrypt(
        &self,
        stream: TcpStream,
        host: &ServerName<'static>,
        protocol: Protocol,
    ) -> io::Result<TlsStream<TcpStream>> {
        let connector = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
            Protocol::Auto => &self.auto,
        };
        let stream = match connector.connect(host.clone(), stream).await {
            Err(error) if refuses_protocols(&error) => return Err(does_not_speak(protocol)),
            connected => connected?,
        };
        // One that ignores ALPN speaks HTTP/1.1.
        if protocol == Protocol::Http2 && !speaks_http2(&stream) { Err(does_not_speak(protocol)) } else { Ok(stream) }
    }
}

/// Whether the two sides agreed on HTTP/2.
pub(super) fn speaks_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

fn refuses_protocols(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol)))
}

fn does_not_speak(protocol: Protocol) -> io::Error {
    let name = match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Auto => "HTTP/2 or HTTP/1.1",
    };
    io::Error::new(io::ErrorKind::Unsupported, format!("the server does not speak {name} over TLS (by ALPN)"))
}

fn from_file(path: &PathBuf) -> Result<RootCertStore, EncryptionError> {
    let wrong = |reason: String| EncryptionError::File { path: path.clone(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("it holds no certificate in PEM form".to_owned())) } else { Ok(roots) }
}

fn of_system() -> Result<RootCertStore, EncryptionError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(EncryptionError::NoSystemCertificates) } else { Ok(roots) }
}
