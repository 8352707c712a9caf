//! A free port for the application.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// An address of this machine that nobody listens on. Another program may take it before the application does; then the
/// application says so and ends, as with any port in use.
pub(super) fn free() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
