//! TLS for tests: an authority that gives certificates, and a tunnel through which every client of this crate speaks TLS.

mod stapled;
mod tunnel;

use std::{fmt, net::SocketAddr, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use sha2::{Digest, Sha256};

pub use rustls::version::{TLS12, TLS13};
use stapled::Stapled;
pub use tunnel::{Seen, Tunnel};

/// An authority that tests trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, in PEM form.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued")
    }
}

impl Authority {
    /// A new one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "two are never the same")]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate of its own").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these hosts.
    #[must_use]
    pub fn issue(&self, hosts: &[&str]) -> Issued {
        self.issue_to(hosts, "a host")
    }

    /// A certificate for these hosts whose subject has this common name.
    #[must_use]
    pub fn issue_to(&self, hosts: &[&str], common_name: &str) -> Issued {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(hosts).expect("the names of hosts");
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Clients that trust it.
    #[must_use]
    pub fn clients(&self) -> Clients {
        Clients {
            authority: self.pem.clone(),
            versions: rustls::ALL_VERSIONS.to_vec(),
            alpn: Vec::new(),
            identity: None,
        }
    }
}

impl Issued {
    /// Writes both as `NAME.pem` and `NAME.key`.
    pub fn write(&self, directory: &Path, name: &str) {
        for (suffix, content) in [("pem", &self.certificate), ("key", &self.key)] {
            std::fs::write(directory.join(format!("{name}.{suffix}")), content).expect("the directory can be written");
        }
    }

    /// The SHA-256 of the certificate, as hexadecimal digits in upper case.
    #[must_use]
    pub fn sha256(&self) -> String {
        Sha256::digest(self.der()).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("our own certificate")
    }
}

/// How clients speak TLS.
#[derive(Clone, Debug)]
pub struct Clients {
    authority: String,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<Vec<u8>>,
    identity: Option<Issued>,
}

impl Clients {
    /// In these versions only.
    #[must_use]
    pub fn in_version(self, version: &'static SupportedProtocolVersion) -> Self {
        Self { versions: vec![version], ..self }
    }

    /// Offering these protocols.
    #[must_use]
    pub fn offering(self, protocols: &[&str]) -> Self {
        Self { alpn: protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect(), ..self }
    }

    /// Showing a certificate of their own.
    #[must_use]
    pub fn showing(self, identity: &Issued) -> Self {
        Self { identity: Some(identity.clone()), ..self }
    }

    /// A tunnel to a server, asking for a host; its clients share their sessions.
    pub async fn tunnel(&self, server: SocketAddr, host: &str) -> Tunnel {
        self.announced_tunnel(server, host, b"").await
    }

    /// As [`Self::tunnel`], with bytes before each handshake.
    pub async fn announced_tunnel(&self, server: SocketAddr, host: &str, before: &'static [u8]) -> Tunnel {
        let host = ServerName::try_from(host.to_owned()).expect("the name of a host");
        let stapled = Stapled::default();
        Tunnel::start(self.config(&stapled), stapled, server, host, before).await
    }

    fn config(&self, stapled: &Stapled) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.authority.as_bytes()).expect("our own certificate"))
            .expect("an authority");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .expect("versions that are known")
            .dangerous()
            .with_custom_certificate_verifier(stapled.noting(roots, provider));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("our own key");
                builder.with_client_auth_cert(vec![identity.der()], key).expect("a certificate with its key")
            }
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config
    }
}
