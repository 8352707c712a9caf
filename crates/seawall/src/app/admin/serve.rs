//! The two ways to the admin interface: a TCP listener behind the gate, and a Unix socket for the owner of the process.

use std::{
    fs, io,
    net::TcpListener as StdTcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener as StdUnixListener},
    path::Path,
    sync::Arc,
};

use axum::{Router, middleware};
use hyper_util::service::TowerToHyperService;
use seawall_core::settings::Secret;
use tokio::sync::watch;

use super::{
    gate::{self, Gate},
    key::AdminKey,
};
use crate::app::{AppError, acceptor::Acceptor, hand_over::Phase};

/// Listens on the admin address.
pub(in crate::app) fn bind(address: std::net::SocketAddr) -> Result<StdTcpListener, AppError> {
    let listen = || -> io::Result<StdTcpListener> {
        let listener = StdTcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| AppError::AdminListen { address, source })
}

/// Serves the TCP listener until the future is dropped, as long as this process is the one that serves.
pub(in crate::app) async fn serve_tcp(
    acceptor: Acceptor,
    listener: StdTcpListener,
    router: Router,
    (token, key): (Arc<Secret>, Option<Arc<AdminKey>>),
    phase: watch::Receiver<Phase>,
) -> io::Result<()> {
    let gate = Gate { port: listener.local_addr()?.port(), token, key };
    let gated = router.layer(middleware::from_fn(move |request, next| gate::pass(gate.clone(), request, next)));
    acceptor.serve_tcp(listener, TowerToHyperService::new(gated), phase).await
}

/// Listens on the Unix socket. The directory around it is the owner's alone, and so is the socket.
pub(in crate::app) fn bind_unix(path: &Path) -> Result<StdUnixListener, AppError> {
    let listen = || -> io::Result<StdUnixListener> {
        match fs::remove_file(path) {
            // Left behind by a process that was killed; the directory's lock says that it is gone.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = StdUnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| AppError::Data { path: path.to_owned(), source })
}

/// Serves the Unix socket until the future is dropped.
pub(in crate::app) async fn serve_unix(
    acceptor: Acceptor,
    listener: StdUnixListener,
    router: Router,
) -> io::Result<()> {
    acceptor.serve_unix(listener, TowerToHyperService::new(router)).await
}
