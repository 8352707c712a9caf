//! What client connections are encrypted by, made from a configuration's files, and replaced whole.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, pem::PemObject},
    server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter},
};
use tokio_rustls::TlsAcceptor;

use super::{
    CERTIFICATE_EXPIRES, ClientCertificates, RELOADS, TlsError, TlsSettings, certificates::Certificate, config::Oldest,
    files::Files, resolver::Resolver,
};

/// Encrypts client connections; cheap to clone.
#[derive(Clone)]
pub struct Terminator(Arc<Inner>);

struct Inner {
    settings: TlsSettings,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    taken_over: Handle,
    refused: Handle,
    current: Mutex<Current>,
    /// Changes with the configuration in force, so that a core looks at it only then.
    generation: AtomicU64,
}

/// What is in force.
struct Current {
    config: Arc<ServerConfig>,
    tickets: Arc<dyn ProducesTickets>,
    authorities: u64,
    /// The files it was made from, and those that were last found unusable.
    files: u64,
    refused_files: Option<u64>,
    expiries: Vec<u64>,
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminator").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Reads and judges everything that is configured, as starting does; gives what an operator should know besides.
///
/// # Errors
/// [`TlsError`] when it cannot be used.
pub fn verify(settings: &TlsSettings, now_unix_s: u64) -> Result<Vec<String>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let files = Files::read(settings)?;
    let certificates = certificates(settings, &files, &provider)?;
    client_verifier(settings, &files, &provider)?;
    Ok(warnings(settings, &certificates, now_unix_s))
}

impl Terminator {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] when they cannot be used.
    pub fn new(settings: TlsSettings, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Result<Self, TlsError> {
        let files = Files::read(&settings)?;
        let tickets = aws_lc_rs::Ticketer::new()?;
        let (config, certificates) = config(&settings, &files, &tickets)?;
        let mut current = Current {
            config: Arc::new(config),
            tickets,
            authorities: files.authorities_fingerprint(),
            files: files.fingerprint(),
            refused_files: None,
            expiries: vec![0; certificates.len()],
        };
        tell_expiries(&mut current, &certificates, &*meter);
        tell_warnings(&settings, &certificates, &*clock);
        Ok(Self(Arc::new(Inner {
            taken_over: meter.series(&RELOADS, &["taken_over"]),
            refused: meter.series(&RELOADS, &["refused"]),
            settings,
            clock,
            meter,
            current: Mutex::new(current),
            generation: AtomicU64::new(1),
        })))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &TlsSettings {
        &self.0.settings
    }

    /// Looks at the files once, and takes them over when they have changed and can be used. Reads files, so it blocks.
    pub(super) fn look(&self) {
        let inner = &*self.0;
        let read = Files::read(&inner.settings);
        let mut current = inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is missing at this moment is being replaced, or is gone; either way what is in force stays.
        let seen = read.as_ref().map_or(0, Files::fingerprint);
        if seen == current.files {
            current.refused_files = None;
            return;
        }
        if current.refused_files == Some(seen) {
            return;
        }
        match read.and_then(|files| renew(&inner.settings, &files, &mut current)) {
            Ok(certificates) => {
                tell_expiries(&mut current, &certificates, &*inner.meter);
                drop(current);
                // Release: a core that sees the number sees the configuration.
                inner.generation.fetch_add(1, Ordering::Release);
                inner.taken_over.increment();
                tracing::info!("changed certificates are taken over for connections from now on");
                tell_warnings(&inner.settings, &certificates, &*inner.clock);
            }
            Err(error) => {
                current.refused_files = Some(seen);
                inner.refused.increment();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "changed certificates cannot be used; those in force stay"
                );
            }
        }
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.config).into()
    }
}

/// One core's view of what is in force.
pub(crate) struct View {
    terminator: Terminator,
    kept: RefCell<(u64, TlsAcceptor)>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.terminator.fmt(f)
    }
}

impl View {
    pub(crate) fn new(terminator: Terminator) -> Self {
        let kept = RefCell::new((terminator.generation(), terminator.acceptor()));
        Self { terminator, kept }
    }

    pub(crate) fn settings(&self) -> &TlsSettings {
        self.terminator.settings()
    }

    /// What the next connection is encrypted by.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let generation = self.terminator.generation();
        let mut kept = self.kept.borrow_mut();
        if kept.0 != generation {
            *kept = (generation, self.terminator.acceptor());
        }
        kept.1.clone()
    }
}

/// Puts these files in force.
fn renew(settings: &TlsSettings, files: &Files, current: &mut Current) -> Result<Vec<Certificate>, TlsError> {
    // A resumed session is not verified again, so those that other authorities admitted end with them.
    let same_authorities = files.authorities_fingerprint() == current.authorities;
    let tickets = if same_authorities { Arc::clone(&current.tickets) } else { aws_lc_rs::Ticketer::new()? };
    let (config, certificates) = config(settings, files, &tickets)?;
    current.config = Arc::new(config);
    current.tickets = tickets;
    current.authorities = files.authorities_fingerprint();
    current.files = files.fingerprint();
    current.refused_files = None;
    Ok(certificates)
}

fn config(
    settings: &TlsSettings,
    files: &Files,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<(ServerConfig, Vec<Certificate>), TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let certificates = certificates(settings, files, &provider)?;
    let verifier = client_verifier(settings, files, &provider)?;
    let versions: &[_] = match settings.oldest {
        Oldest::V12 => &[&TLS13, &TLS12],
        Oldest::V13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let builder = builder.with_client_cert_verifier(verifier);
    let mut config = builder.with_cert_resolver(Arc::new(Resolver::new(&certificates)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if settings.http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    // Sessions are resumed by tickets, whose keys change by themselves; nothing is kept here for a client. Early data stays
    // off (the default), because it can be sent again by whoever recorded it (RFC 8446 section 8).
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::clone(tickets);
    Ok((config, certificates))
}

fn certificates(
    settings: &TlsSettings,
    files: &Files,
    provider: &CryptoProvider,
) -> Result<Vec<Certificate>, TlsError> {
    let mut certificates = Vec::new();
    for (files, contents) in settings.certificates.iter().zip(&files.certificates) {
        let certificate = Certificate::new(files, contents, provider)?;
        // The first is for whoever asks for no name that is known, so it needs none.
        if certificate.names.is_empty() && !certificates.is_empty() {
            return Err(TlsError::Nameless { entry: files.name.clone(), path: files.certificate.clone() });
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}

fn client_verifier(
    settings: &TlsSettings,
    files: &Files,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (Some(path), Some(pem)) = (&settings.client_ca_file, &files.client_authorities) else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let wrong = |reason: String| TlsError::ClientAuthorities { path: path.clone(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| wrong("it is not well-formed PEM".to_owned()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate in PEM form".to_owned()));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = match settings.client_certificates {
        ClientCertificates::Off => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientCertificates::Optional => builder.allow_unauthenticated().build(),
        ClientCertificates::Required => builder.build(),
    };
    verifier.map_err(|error| wrong(error.to_string()))
}

fn warnings(settings: &TlsSettings, certificates: &[Certificate], now_unix_s: u64) -> Vec<String> {
    let both = certificates.iter().zip(&settings.certificates);
    both.flat_map(|(certificate, files)| certificate.warnings(files, now_unix_s)).collect()
}

fn tell_warnings(settings: &TlsSettings, certificates: &[Certificate], clock: &dyn Clock) {
    for warning in warnings(settings, certificates, clock.now().unix_us / 1_000_000) {
        tracing::warn!("{warning}");
    }
}

/// Sets the gauges; a series only knows how to add.
fn tell_expiries(current: &mut Current, certificates: &[Certificate], meter: &dyn Meter) {
    for (told, certificate) in current.expiries.iter_mut().zip(certificates) {
        let signed = |unix_s: u64| i64::try_from(unix_s).unwrap_or(i64::MAX);
        let series = meter.series(&CERTIFICATE_EXPIRES, &[&certificate.entry]);
        series.add(signed(certificate.not_after) - signed(*told));
        *told = certificate.not_after;
    }
}

#[cfg(test)]
mod tests;
