//! Notes what a server staples to its certificate, and leaves the judgement to the usual verifier.

use std::sync::{Arc, Mutex};

use rustls::{
    DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// The last statement that was stapled; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Stapled(Arc<Mutex<Vec<u8>>>);

impl Stapled {
    /// Trusts these authorities, and notes here.
    pub(super) fn noting(&self, roots: RootCertStore, provider: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Arc::new(Noting { judge: judge.expect("an authority"), stapled: self.clone() })
    }

    /// What was noted since it was taken last.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

#[derive(Debug)]
struct Noting {
    judge: Arc<WebPkiServerVerifier>,
    stapled: Stapled,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        stapled.clone_into(&mut self.stapled.0.lock().expect("nobody panics with it"));
        self.judge.verify_server_cert(certificate, between, host, stapled, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
