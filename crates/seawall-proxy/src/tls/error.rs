//! Why client connections cannot be encrypted as configured.

use std::{io, path::PathBuf};

/// What is wrong with a certificate or with the settings around it. Names files and entries, never what is in a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("[tls.{entry}] cannot read {}", path.display())]
    Unreadable {
        /// The entry.
        entry: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("[tls.{entry}] cannot use {}: {reason}", path.display())]
    Unusable {
        /// The entry.
        entry: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A key that belongs to another certificate.
    #[error("[tls.{entry}] the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The entry.
        entry: String,
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate that no client could get.
    #[error("[tls.{entry}] the certificate in {} names no host, so no client could get it", path.display())]
    Nameless {
        /// The entry.
        entry: String,
        /// The certificate's file.
        path: PathBuf,
    },
    /// The authorities of clients' certificates.
    #[error("the authorities of clients' certificates in {} cannot be used: {reason}", path.display())]
    ClientAuthorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}
