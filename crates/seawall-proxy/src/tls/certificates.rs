//! From the files of one certificate to what a handshake needs, with everything said that is wrong with them.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    Error, InconsistentKeys,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer, UnixTime,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use webpki::{EndEntityCert, KeyUsage};

use super::{
    CertificateFiles, TlsError,
    files::{Contents, others_may_read},
};

/// How long before its end a certificate is spoken of: renewal is due well before (30 days are common).
const SOON: u64 = 14 * 86_400;

/// Seconds to the end of the year 9999, the last time a certificate can name (RFC 5280 section 4.1.2.5).
const LAST_TIME: u64 = 253_402_300_799;

/// A certificate that can be used.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// The name of its entry.
    pub(super) entry: String,
    /// What a handshake needs.
    pub(super) certified: Arc<CertifiedKey>,
    /// The hosts it is for, in lower case; `*.` before those that are wildcards.
    pub(super) names: Vec<String>,
    /// When it begins and ends to be valid, in seconds since 1970.
    not_before: u64,
    pub(super) not_after: u64,
}

impl Certificate {
    /// Makes a certificate of what its files held.
    pub(super) fn new(
        files: &CertificateFiles,
        contents: &Contents,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let unusable = |path: &Path, reason: String| TlsError::Unusable {
            entry: files.name.clone(),
            path: path.to_owned(),
            reason,
        };
        let wrong_certificate = |reason: String| unusable(&files.certificate, reason);
        let chain = chain(&contents.certificate).map_err(wrong_certificate)?;
        let key = key(&contents.key).map_err(|reason| unusable(&files.key, reason))?;
        let (names, not_before, not_after) = match chain.first() {
            Some(first) => read(first).map_err(wrong_certificate)?,
            None => return Err(wrong_certificate("it holds no certificate in PEM form".to_owned())),
        };
        let mut certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
                entry: files.name.clone(),
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            },
            _ => unusable(&files.key, "keys of this kind are not supported; use ECDSA, Ed25519 or RSA".to_owned()),
        })?;
        if let (Some(path), Some(ocsp)) = (&files.ocsp, &contents.ocsp) {
            if !is_sequence(ocsp) {
                return Err(unusable(path, "it is not an OCSP response in DER form".to_owned()));
            }
            certified.ocsp = Some(ocsp.clone());
        }
        Ok(Self { entry: files.name.clone(), certified: Arc::new(certified), names, not_before, not_after })
    }

    /// What an operator should know of it.
    pub(super) fn warnings(&self, files: &CertificateFiles, now_unix_s: u64) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |warning: String| warnings.push(format!("[tls.{}] {warning}", self.entry));
        let path = files.certificate.display();
        if self.not_after < now_unix_s {
            warn(format!("the certificate in {path} has expired; clients will refuse it until it is renewed"));
        } else if self.not_after < now_unix_s + SOON {
            let days = (self.not_after - now_unix_s) / 86_400;
            warn(format!("the certificate in {path} expires in {days} days; it should have been renewed by now"));
        }
        if self.not_before > now_unix_s {
            warn(format!("the certificate in {path} is not valid yet; the clock of this machine may be wrong"));
        }
        if self.names.is_empty() {
            warn(format!("the certificate in {path} names no host, so clients that ask for a host will refuse it"));
        }
        if others_may_read(&files.key) {
            let key = files.key.display();
            warn(format!("others than its owner may read the private key {key}; take that away with: chmod 600 {key}"));
        }
        warnings
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| "it is not well-formed PEM".to_owned())
}

/// The first private key. What is wrong is said without a word of the file.
fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound if pem.windows(9).any(|part| part == b"ENCRYPTED") => {
            "the private key in it is encrypted; write it without a passphrase and keep it readable by its owner only"
                .to_owned()
        }
        pem::Error::NoItemsFound => "it holds no private key in PEM form".to_owned(),
        _ => "it is not well-formed PEM".to_owned(),
    })
}

/// The hosts that a certificate is for, and when it begins and ends to be valid.
fn read(certificate: &CertificateDer<'_>) -> Result<(Vec<String>, u64, u64), String> {
    let parsed = EndEntityCert::try_from(certificate)
        .map_err(|error| format!("its first certificate is not one that can be used ({error})"))?;
    let names = parsed.valid_dns_names().map(str::to_ascii_lowercase).collect();
    let dates = || "the dates in its first certificate cannot be read".to_owned();
    // The times stand in what the verifier says when it is asked about times before and after all others; it looks at them
    // before it asks who issued the certificate.
    let asked = |unix_s| {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(unix_s));
        parsed.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
    };
    let not_after = match asked(LAST_TIME) {
        Some(webpki::Error::CertExpired { not_after, .. }) => not_after.as_secs(),
        Some(webpki::Error::UnknownIssuer) => LAST_TIME,
        _ => return Err(dates()),
    };
    let not_before = match asked(0) {
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => not_before.as_secs(),
        _ => 0,
    };
    Ok((names, not_before, not_after))
}

/// Whether the bytes are one DER sequence that fills them, as an OCSP response is.
fn is_sequence(der: &[u8]) -> bool {
    let (length, content) = match der {
        [0x30, length @ 0..=0x7f, content @ ..] | [0x30, 0x81, length, content @ ..] => (usize::from(*length), content),
        [0x30, 0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        _ => return false,
    };
    length == content.len()
}

#[cfg(test)]
mod tests;
