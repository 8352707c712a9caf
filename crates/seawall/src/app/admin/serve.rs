//! The two ways to the admin interface: a TCP listener behind the gate, and a Unix socket for the owner of the process.

use std::{
    fs, io,
    net::TcpListener as StdTcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener as StdUnixListener},
    path::Path,
    sync::Arc,
};

use axum::{Router, middleware};
use seawall_core::settings::Secret;
use tokio::net::{TcpListener, UnixListener};

use super::gate::{self, Gate};
use crate::app::AppError;

/// Listens on the admin address.
pub(in crate::app) fn bind(address: std::net::SocketAddr) -> Result<StdTcpListener, AppError> {
    let listen = || -> io::Result<StdTcpListener> {
        let listener = StdTcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| AppError::AdminListen { address, source })
}

/// Serves the TCP listener until the future is dropped.
pub(in crate::app) async fn serve_tcp(listener: StdTcpListener, router: Router, token: Arc<Secret>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let gate = Gate { port: listener.local_addr()?.port(), token };
    let gated = router.layer(middleware::from_fn(move |request, next| gate::pass(gate.clone(), request, next)));
    axum::serve(listener, gated).await
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
pub(in crate::app) async fn serve_unix(listener: StdUnixListener, router: Router) -> io::Result<()> {
    axum::serve(UnixListener::from_std(listener)?, router).await
}
