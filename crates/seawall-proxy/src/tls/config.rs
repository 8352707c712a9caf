//! Section `[tls]` and its entries `[tls.NAME]`.

use std::{net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use seawall_core::settings::{
    BadSetting, Complaint, Field, FieldSpec, Literal, Raw, Section, Setting, Shape, Situation, Span, Values, choice,
};

use crate::config::Listen;

/// Whether clients show certificates of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// None is asked for.
    Off,
    /// One is asked for; a client without goes on, a client with one that is not trusted does not.
    Optional,
    /// Only clients with a trusted one go on.
    Required,
}

impl Setting for ClientCertificates {
    const SHAPE: Shape = Shape::Choice(&["off", "optional", "required"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("off", Self::Off), ("optional", Self::Optional), ("required", Self::Required)])
    }
}

/// The oldest version of TLS that is spoken. Older ones than 1.2 are broken (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oldest {
    V12,
    V13,
}

impl Setting for Oldest {
    const SHAPE: Shape = Shape::Choice(&["1.2", "1.3"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("1.2", Self::V12), ("1.3", Self::V13)])
    }
}

const MIN_VERSION: Field<Oldest> =
    Field::new("min_version", Literal::Text("1.2"), "The oldest version of TLS that is spoken.").needs_restart();
const HTTP2: Field<bool> =
    Field::new("http2", Literal::Flag(true), "Whether HTTP/2 is offered to clients that can speak it (by ALPN).")
        .needs_restart();
const HANDSHAKE_TIMEOUT: Field<Span> = Field::new(
    "handshake_timeout",
    Literal::Text("10s"),
    "How long a client may take to agree on encryption, from the first byte of its handshake.",
)
.between("100ms", "5min")
.needs_restart();
const CLIENT_CERTIFICATES: Field<ClientCertificates> = Field::new(
    "client_certificates",
    Literal::Text("off"),
    "Whether clients show certificates of their own: not asked for (`off`), verified when shown (`optional`), or demanded (`required`). They are verified by `client_ca_file`.",
)
.needs_restart();
const CLIENT_CA_FILE: Field<String> = Field::new(
    "client_ca_file",
    Literal::Unset,
    "A PEM file with the authorities whose client certificates are trusted. Read again when it changes.",
)
.needs_restart();
const TELL_CERTIFICATES: Field<bool> = Field::new(
    "tell_certificates",
    Literal::Flag(false),
    "Whether the application is told of the certificate that a client showed: its subject as `X-Seawall-Certificate-Subject` (RFC 4514), its SHA-256 as `X-Seawall-Certificate-SHA256`. What clients send in these fields never arrives.",
)
.needs_restart();
const REDIRECT_LISTEN: Field<Listen> = Field::new(
    "redirect_listen",
    Literal::Unset,
    "An address, such as \"0.0.0.0:80\", where requests in clear are answered with a redirect to the same page over https.",
)
.needs_restart();
const REDIRECT_PORT: Field<u64> = Field::new(
    "redirect_port",
    Literal::Unset,
    "The port that redirects name. Unset, it is that of `[server] listen`; say it when the port is another one for the world, as in a container.",
)
.between("1", "65535")
.needs_restart();

const CERTIFICATE: Field<String> = Field::new(
    "certificate",
    Literal::Unset,
    "A PEM file with the certificate and those between it and its authority. Read again when it changes.",
)
.needs_restart();
const KEY: Field<String> =
    Field::new("key", Literal::Unset, "A PEM file with the certificate's private key. Only its owner should read it.")
        .needs_restart();
const OCSP: Field<String> = Field::new(
    "ocsp",
    Literal::Unset,
    "A file with the authority's signed statement (OCSP, DER) that the certificate was not revoked. Read again when it changes.",
)
.needs_restart();

const ENTRIES: &[FieldSpec] = &[CERTIFICATE.spec(), KEY.spec(), OCSP.spec()];

/// The section.
pub static SECTION: Section = Section::new(
    "tls",
    "Encryption of client connections. It is on when there is a certificate: each `[tls.NAME]` is one, chosen by the names in it. The first is for clients that ask for none of the names.",
    &[
        MIN_VERSION.spec(),
        HTTP2.spec(),
        HANDSHAKE_TIMEOUT.spec(),
        CLIENT_CERTIFICATES.spec(),
        CLIENT_CA_FILE.spec(),
        TELL_CERTIFICATES.spec(),
        REDIRECT_LISTEN.spec(),
        REDIRECT_PORT.spec(),
    ],
)
.with_entries(ENTRIES)
.with_demands(demands)
.with_entry_demands(entry_demands);

/// How client connections are encrypted.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The certificates, the default one first.
    pub certificates: Vec<CertificateFiles>,
    /// Whether clients show certificates.
    pub client_certificates: ClientCertificates,
    /// The authorities of clients' certificates.
    pub client_ca_file: Option<PathBuf>,
    /// Whether the application is told of them.
    pub(crate) tell_certificates: bool,
    /// Where requests in clear are redirected.
    pub redirect_listen: Option<SocketAddr>,
    /// The port that redirects name, when it is not the listener's.
    pub redirect_port: Option<u16>,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
    pub(super) oldest: Oldest,
}

/// The files of one certificate.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The name of its entry.
    pub name: String,
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// The stapled statement.
    pub ocsp: Option<PathBuf>,
}

impl TlsSettings {
    /// Reads the settings; nothing when there is no certificate. Paths are relative to `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section, or settings without a certificate.
    pub fn read(values: &Values, entries: &[(String, Values)], directory: &Path) -> Result<Option<Self>, BadSetting> {
        let client_certificates = values.get(&CLIENT_CERTIFICATES)?;
        let redirect_listen = values.find(&REDIRECT_LISTEN)?.map(|listen| listen.0);
        if entries.is_empty() {
            let idle = [
                (client_certificates != ClientCertificates::Off, CLIENT_CERTIFICATES.key()),
                (redirect_listen.is_some(), REDIRECT_LISTEN.key()),
            ];
            let reason = "it needs a certificate, and none is named; add an entry such as [tls.main] with `certificate` and `key`";
            return match idle.into_iter().find(|(set, _)| *set) {
                Some((_, key)) => Err(BadSetting { key, reason: reason.to_owned() }),
                None => Ok(None),
            };
        }
        let certificates = entries.iter().map(|(name, values)| CertificateFiles::read(name, values, directory));
        Ok(Some(Self {
            certificates: certificates.collect::<Result<_, _>>()?,
            client_certificates,
            client_ca_file: values.find(&CLIENT_CA_FILE)?.map(|file| directory.join(file)),
            tell_certificates: values.get(&TELL_CERTIFICATES)?,
            redirect_listen,
            redirect_port: values.find(&REDIRECT_PORT)?.and_then(|port| u16::try_from(port).ok()),
            handshake: values.get(&HANDSHAKE_TIMEOUT)?.duration(),
            http2: values.get(&HTTP2)?,
            oldest: values.get(&MIN_VERSION)?,
        }))
    }
}

impl CertificateFiles {
    fn read(name: &str, values: &Values, directory: &Path) -> Result<Self, BadSetting> {
        Ok(Self {
            name: name.to_owned(),
            certificate: directory.join(values.get(&CERTIFICATE)?),
            key: directory.join(values.get(&KEY)?),
            ocsp: values.find(&OCSP)?.map(|file| directory.join(file)),
        })
    }
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let asked = values.get(&CLIENT_CERTIFICATES).is_ok_and(|asked| asked != ClientCertificates::Off);
    let trusted = values.raw(CLIENT_CA_FILE.key()).is_some();
    let complaint =
        |key, what: &str, help: &str| vec![Complaint { key: Some(key), what: what.to_owned(), help: help.to_owned() }];
    let told = values.get(&TELL_CERTIFICATES).is_ok_and(|told| told);
    match (asked, trusted) {
        (false, false) if told => complaint(
            TELL_CERTIFICATES.key(),
            "clients are not asked for certificates, so the application can be told of none",
            "say `client_certificates = \"optional\"` or \"required\", or take `tell_certificates` out",
        ),
        (true, false) => complaint(
            CLIENT_CERTIFICATES.key(),
            "clients' certificates cannot be verified, because no authority is trusted to give them",
            "name a PEM file with the authority as `client_ca_file`",
        ),
        (false, true) => complaint(
            CLIENT_CA_FILE.key(),
            "clients are not asked for certificates, so this file has no effect",
            "say `client_certificates = \"optional\"` or \"required\", or take `client_ca_file` out",
        ),
        _ => Vec::new(),
    }
}

fn entry_demands(_: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let missing = [CERTIFICATE.key(), KEY.key()].into_iter().find(|key| values.raw(key).is_none());
    let complaint = |key| Complaint {
        key: None,
        what: format!("the certificate does not say its `{key}`"),
        help: "give it `certificate = \"fullchain.pem\"` and `key = \"privkey.pem\"`".to_owned(),
    };
    missing.map(complaint).into_iter().collect()
}
