//! What a server stands on: its listeners and its data directory, its own from the start or taken over.

use std::{
    net::{SocketAddr, TcpListener},
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
};

use seawall_proxy::{Plane, PlaneError};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{Entry, successor::Claim};
use crate::app::{
    Addresses, AppError, DataDirectory, admin, outbound, redirect, settings::Settings, supervised::SupervisedError,
};

/// Everything that is listened on over TCP, and the way to the data directory.
#[derive(Debug)]
pub(in crate::app) struct Ground {
    pub(in crate::app) public: TcpListener,
    pub(in crate::app) admin: TcpListener,
    /// Where requests in clear are redirected.
    pub(in crate::app) redirect: Option<TcpListener>,
    /// Where the application's calls come in.
    pub(in crate::app) outbound: Option<TcpListener>,
    pub(in crate::app) addresses: Addresses,
    tenure: Tenure,
}

/// Whose the data directory is.
#[derive(Debug)]
enum Tenure {
    /// Ours.
    Own(Sockets),
    /// The process's that serves, until it lets go.
    Promised(Claim, PathBuf),
}

/// The data directory, and the sockets in it.
#[derive(Debug)]
pub(in crate::app) struct Sockets {
    pub(in crate::app) data: DataDirectory,
    pub(in crate::app) admin: UnixListener,
    /// Nothing when it cannot be listened on; then nobody takes over.
    pub(in crate::app) hand_over: Option<UnixListener>,
}

/// A hand-over to us whose last word is not said yet.
#[derive(Debug)]
pub(in crate::app) struct LastWord {
    serves: oneshot::Sender<()>,
    speaks: JoinHandle<()>,
}

impl Ground {
    /// Whether another process has the data directory still, and has promised it.
    pub(in crate::app) const fn promised(&self) -> bool {
        matches!(self.tenure, Tenure::Promised(..))
    }

    /// Locks and binds everything; or is offered it by the process that serves, when we shall take over and there is one.
    pub(in crate::app) async fn find(path: &Path, settings: &Settings, entry: Entry) -> Result<Self, AppError> {
        let claim = match entry {
            Entry::Fresh => None,
            Entry::TakeOver => Claim::ask(path).await?,
        };
        let Some(mut claim) = claim else {
            let data = DataDirectory::open(path)?;
            let (public, admin) = (Plane::bind(settings.server.listen)?, admin::bind(settings.admin.listen)?);
            let redirect = redirects(settings).map(bind_redirect).transpose()?;
            let outbound = calls(settings).map(outbound::bind).transpose()?;
            let tenure = Tenure::Own(Sockets::bind(data)?);
            return Ok(Self::new((public, admin), (redirect, outbound), settings, tenure));
        };
        if settings.supervised.as_ref().is_some_and(|app| app.port.is_some()) {
            // Nothing could tell which of the two processes answers there.
            return Err(SupervisedError::FixedPort.into());
        }
        let public = match inherited(&mut claim, "public", settings.server.listen) {
            Some(listener) => listener,
            None => Plane::bind(settings.server.listen)?,
        };
        let admin = match inherited(&mut claim, "admin", settings.admin.listen) {
            Some(listener) => listener,
            None => admin::bind(settings.admin.listen)?,
        };
        let redirect = match redirects(settings) {
            None => None,
            Some(address) => Some(match inherited(&mut claim, "redirect", address) {
                Some(listener) => listener,
                None => bind_redirect(address)?,
            }),
        };
        let outbound = match calls(settings) {
            None => None,
            Some(address) => Some(match inherited(&mut claim, "outbound", address) {
                Some(listener) => listener,
                None => outbound::bind(address)?,
            }),
        };
        let tenure = Tenure::Promised(claim, path.to_owned());
        Ok(Self::new((public, admin), (redirect, outbound), settings, tenure))
    }

    fn new(
        (public, admin): (TcpListener, TcpListener),
        (redirect, outbound): (Option<TcpListener>, Option<TcpListener>),
        settings: &Settings,
        tenure: Tenure,
    ) -> Self {
        let address = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
        let addresses = Addresses {
            public: address(&public, settings.server.listen),
            admin: address(&admin, settings.admin.listen),
            secure: settings.tls.is_some(),
            redirect: redirect.as_ref().and_then(|listener| listener.local_addr().ok()),
            outbound: outbound.as_ref().and_then(|listener| listener.local_addr().ok()),
        };
        Self { public, admin, redirect, outbound, addresses, tenure }
    }

    /// Takes possession of the data directory. Everything else that can fail was done before.
    pub(in crate::app) async fn hold(self) -> Result<Held, AppError> {
        let Self { public, admin, redirect, outbound, addresses, tenure } = self;
        let (sockets, last_word, standard_error) = match tenure {
            Tenure::Own(sockets) => (sockets, None, None),
            Tenure::Promised(mut claim, path) => {
                let sockets = Sockets::bind(claim.ready(&path).await?)?;
                let standard_error = claim.standard_error();
                (sockets, Some(LastWord::begin(claim)), standard_error)
            }
        };
        Ok(Held { public, admin, redirect, outbound, addresses, sockets, last_word, standard_error })
    }
}

/// Ground that is ours.
#[derive(Debug)]
pub(in crate::app) struct Held {
    pub(in crate::app) public: TcpListener,
    pub(in crate::app) admin: TcpListener,
    /// Where requests in clear are redirected.
    pub(in crate::app) redirect: Option<TcpListener>,
    /// Where the application's calls come in.
    pub(in crate::app) outbound: Option<TcpListener>,
    pub(in crate::app) addresses: Addresses,
    pub(in crate::app) sockets: Sockets,
    /// To be said once requests are served.
    pub(in crate::app) last_word: Option<LastWord>,
    /// Where the process wrote its errors that started us.
    pub(in crate::app) standard_error: Option<OwnedFd>,
}

impl Held {
    /// What can be handed over in turn: each listener with its name and the address that was configured for it.
    pub(in crate::app) fn listeners(
        &self,
        settings: &Settings,
    ) -> Result<Vec<(&'static str, String, TcpListener)>, AppError> {
        let duplicate = |listener: &TcpListener| listener.try_clone().map_err(PlaneError::Start);
        let mut listeners = vec![
            ("public", settings.server.listen.to_string(), duplicate(&self.public)?),
            ("admin", settings.admin.listen.to_string(), duplicate(&self.admin)?),
        ];
        if let (Some(redirect), Some(address)) = (&self.redirect, redirects(settings)) {
            listeners.push(("redirect", address.to_string(), duplicate(redirect)?));
        }
        if let (Some(outbound), Some(address)) = (&self.outbound, calls(settings)) {
            listeners.push(("outbound", address.to_string(), duplicate(outbound)?));
        }
        Ok(listeners)
    }
}

impl Sockets {
    fn bind(data: DataDirectory) -> Result<Self, AppError> {
        let admin = admin::bind_unix(&data.socket_path())?;
        let hand_over = admin::bind_unix(&data.hand_over_path()).inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::warn!(error, "no process can take over from this one");
        });
        let hand_over = hand_over.ok();
        Ok(Self { data, admin, hand_over })
    }
}

impl LastWord {
    /// From here on the process that served waits for us, and is told that we are at work.
    fn begin(claim: Claim) -> Self {
        let (serves, wished) = oneshot::channel();
        Self { serves, speaks: tokio::spawn(claim.taken(wished)) }
    }

    /// Says that requests are served.
    pub(in crate::app) async fn say(self) {
        if self.serves.send(()).is_ok() {
            // It ends when it has been said.
            let _said = self.speaks.await;
        }
    }
}

/// Where requests in clear are to be redirected.
fn redirects(settings: &Settings) -> Option<SocketAddr> {
    settings.tls.as_ref().and_then(|tls| tls.redirect_listen)
}

/// Where the application's calls are to come in.
fn calls(settings: &Settings) -> Option<SocketAddr> {
    settings.calls.as_ref().map(|calls| calls.shared.listen)
}

fn bind_redirect(address: SocketAddr) -> Result<TcpListener, AppError> {
    redirect::bind(address).map_err(|source| AppError::RedirectListen { address, source })
}

fn inherited(claim: &mut Claim, name: &'static str, address: SocketAddr) -> Option<TcpListener> {
    let listener = claim.listener(name, address);
    if listener.is_none() {
        tracing::info!(listener = name, address = %address, "the process that serves listens elsewhere; this address is bound anew");
    }
    listener
}
