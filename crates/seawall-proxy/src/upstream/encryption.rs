//! How https:// servers are verified: by the system's certificates, or by a file's.

use std::{io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

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
pub(super) struct Encryption(TlsConnector);

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
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config).into()))
    }

    /// Makes a connection an encrypted one, with a server that proves to be `host`.
    pub(super) async fn encrypt(
        &self,
        stream: TcpStream,
        host: &ServerName<'static>,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.0.connect(host.clone(), stream).await
    }
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
