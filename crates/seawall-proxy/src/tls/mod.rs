//! Encryption of client connections: which certificates there are, which of them a client gets, and how new ones are taken over.
//!
//! Everything a handshake needs is in one immutable [`rustls::ServerConfig`]. [`Terminator`] holds the one in force; each core
//! keeps its own reference and looks for another only when a number has changed, so that handshakes share no lock. The files
//! are looked at by [`Terminator::watch`] on the control plane: only a whole set of certificates that can be used is taken over.

mod certificates;
mod config;
mod error;
mod files;
mod listener;
mod metrics;
mod resolver;
#[cfg(test)]
mod testing;
mod watch;

pub use config::{CertificateFiles, ClientCertificates, SECTION, TlsSettings};
pub use error::TlsError;
pub(crate) use listener::View;
pub use listener::{Terminator, verify};
pub(crate) use metrics::{CERTIFICATE_EXPIRES, HANDSHAKES, RELOADS};
