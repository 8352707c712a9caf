//! What can go wrong while the application is built or started, and the exit code it means.

use std::{io, net::SocketAddr, path::PathBuf};

use seawall_core::settings::BadSetting;
use seawall_guards::BuildError;
use seawall_identity::http::ThemeError;
use seawall_proxy::{EncryptionError, PlaneError, TlsError};
use seawall_store::counters::RedisFault;
use seawall_telemetry::TelemetryError;

use super::{documents::DocumentFault, hand_over::HandOverError, store::StoreFault, supervised::SupervisedError};

/// Why the application cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting that loading should have refused.
    #[error("the configuration cannot be used")]
    Setting(#[from] BadSetting),
    /// A policy that cannot be built.
    #[error("a route's guards cannot be built")]
    Policy(#[from] BuildError),
    /// More guards than a policy holds.
    #[error("a route has more guards than a policy can hold")]
    TooManyGuards,
    /// A route of ours that is no route.
    #[error("a built-in path cannot be used: {0}")]
    BuiltinPath(String),
    /// The application's document.
    #[error("the application's document cannot be used: {0}")]
    Document(String),
    /// The application's document, which it did not give.
    #[error(transparent)]
    NotGiven(#[from] DocumentFault),
    /// No application to protect.
    #[error("no application is named")]
    NoUpstream,
    /// Two applications to protect.
    #[error("an application is named twice: by a command that starts it, and by an address where it runs")]
    TwoUpstreams,
    /// The application that Seawall shall start.
    #[error(transparent)]
    Supervised(#[from] SupervisedError),
    /// An https:// application that cannot be verified.
    #[error("connections to the application cannot be encrypted")]
    Encryption(#[from] EncryptionError),
    /// Certificates that cannot be used.
    #[error("client connections cannot be encrypted")]
    Tls(#[from] TlsError),
    /// Connections that nobody may announce.
    #[error(
        "proxy_protocol in [server] is on, and trusted in [client_address] names no proxy, so nobody could connect"
    )]
    NoAnnouncer,
    /// Others cannot be asked over TLS.
    #[error("issuers cannot be asked: {0}")]
    Fetch(String),
    /// A mail server that cannot be spoken to.
    #[error("letters cannot be sent: {0}")]
    Mail(String),
    /// A logo or a stylesheet that cannot be shown.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// Sessions that anybody on the way could take.
    #[error("people can sign in ([identity]), and nothing says that their connections are encrypted")]
    SessionsInClear,
    /// Calls of the application cannot be made.
    #[error("calls to other services cannot be made: {0}")]
    Outbound(String),
    /// A route of language models is exposed, and something is missing that has to stand before it.
    #[error("[llm.route.{route}] has `expose`, so whoever can sign in may spend what its models cost, and {lacks}")]
    Exposed {
        /// The route.
        route: String,
        /// What is missing.
        lacks: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The listener for the application's calls.
    #[error("cannot listen on {address} for calls to other services")]
    OutboundListen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The listener that redirects to https.
    #[error("cannot listen on {address} for redirects to https")]
    RedirectListen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A listener or a core.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// The admin listener.
    #[error("cannot listen on {address} for the admin interface")]
    AdminListen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The directory with Seawall's own files.
    #[error("cannot use {path}")]
    Data {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Users, sessions and their keys.
    #[error("identity cannot start")]
    Identity(#[from] seawall_identity::IdentityError),
    /// Another process has the directory.
    #[error("another Seawall uses {0}")]
    InUse(PathBuf),
    /// Taking over from the process that serves.
    #[error("cannot take over")]
    HandOver(#[from] HandOverError),
    /// Seawall's own database.
    #[error(transparent)]
    Store(Box<StoreFault>),
    /// Counters that are shared.
    #[error("shared counters cannot be used")]
    Counters(#[from] RedisFault),
    /// Logs or traces.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A part of the control plane ended by itself.
    #[error("the {0} ended by a fault of its own; the log says where")]
    Died(&'static str),
}

impl From<StoreFault> for AppError {
    fn from(fault: StoreFault) -> Self {
        Self::Store(Box::new(fault))
    }
}

impl AppError {
    /// The exit code: 64 for usage and configuration, 69 for what is in use or missing, 70 for our own faults.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Setting(_)
            | Self::Policy(_)
            | Self::TooManyGuards
            | Self::BuiltinPath(_)
            | Self::Document(_)
            | Self::NoUpstream
            | Self::TwoUpstreams
            | Self::Encryption(_)
            | Self::Tls(_)
            | Self::NoAnnouncer
            | Self::Mail(_)
            | Self::Fetch(_)
            | Self::Outbound(_)
            | Self::Exposed { .. }
            | Self::Theme(_)
            | Self::SessionsInClear => 64,
            Self::Supervised(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::Plane(PlaneError::Listen { .. })
            | Self::AdminListen { .. }
            | Self::RedirectListen { .. }
            | Self::OutboundListen { .. }
            | Self::InUse(_)
            | Self::Data { .. }
            | Self::Identity(_)
            | Self::NotGiven(_)
            | Self::Counters(_)
            | Self::HandOver(_) => 69,
            Self::Plane(PlaneError::Start(_)) | Self::Telemetry(_) => 70,
            Self::Plane(PlaneError::Died) | Self::Died(_) => 1,
        }
    }

    /// What to do about it, when there is something to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let in_use = |source: &io::Error| source.kind() == io::ErrorKind::AddrInUse;
        match self {
            Self::Plane(PlaneError::Listen { source, .. }) if in_use(source) => {
                Some("another program listens there; stop it, or choose another address with --listen".to_owned())
            }
            Self::AdminListen { source, .. } if in_use(source) => {
                Some("another program listens there; stop it, or choose another address with --admin".to_owned())
            }
            Self::RedirectListen { source, .. } if in_use(source) => Some(
                "another program listens there; stop it, or choose another address as `redirect_listen` in [tls]".to_owned(),
            ),
            Self::OutboundListen { source, .. } if in_use(source) => {
                Some("another program listens there; stop it, or choose another address as `listen` in [outbound]".to_owned())
            }
            Self::Exposed { help, .. } => Some((*help).to_owned()),
            Self::NoAnnouncer => Some(
                "name the load balancer's addresses as `trusted` in [client_address], or turn `proxy_protocol` off".to_owned(),
            ),
            Self::SessionsInClear => Some(
                "give Seawall a certificate in [tls.NAME], or name the proxy that ends https as `trusted` in [client_address]; over plain http, sessions are for `environment = \"development\"`"
                    .to_owned(),
            ),
            Self::Tls(TlsError::Unreadable { .. }) => Some(
                "paths are relative to the configuration file's directory; see that the file exists and that Seawall may read it"
                    .to_owned(),
            ),
            Self::Tls(TlsError::Mismatch { .. }) => Some(
                "name the key that the certificate was made for; `certificate` wants the server's own certificate first, then those between it and its authority"
                    .to_owned(),
            ),
            Self::InUse(_) => {
                Some("stop it, or take over from it with --take-over; or give this one a directory of its own with `data` in the configuration".to_owned())
            }
            Self::NoUpstream => Some(
                "say where your application is: seawall run --to http://localhost:3000; or let Seawall start it: seawall run -- node server.js"
                    .to_owned(),
            ),
            Self::TwoUpstreams => Some(
                "keep one: `command` in [app] (or what follows -- ) for an application that Seawall starts, `url` in [upstream] (or --to) for one that runs by itself"
                    .to_owned(),
            ),
            Self::Counters(_) => Some(
                "see that user and password in `redis` in [store] are right, and that this user may run scripts and use the keys `seawall:*`"
                    .to_owned(),
            ),
            Self::NotGiven(_) => Some(
                "see that the application runs and gives its document there, as JSON with status 200; wait longer with `document_wait` in [schema], or save the document and name the file as `document`"
                    .to_owned(),
            ),
            Self::Supervised(error) => error.help(),
            Self::Store(error) => error.help(),
            Self::Data { .. } => Some(
                "see that the directory exists and may be written, or choose another with `data` in the configuration"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
