//! The manager's socket: datagrams to a path, or to an abstract name, which is written with an at sign first.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// How long a message may wait for room in the manager's queue.
const SEND_LIMIT: Duration = Duration::from_millis(250);

/// Where messages go.
#[derive(Debug)]
pub(super) struct Socket {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Socket {
    /// A socket that sends to this address.
    pub(super) fn new(address: &str) -> io::Result<Self> {
        let address = match (address.strip_prefix('@'), address.starts_with('/')) {
            (Some(name), _) => SocketAddr::from_abstract_name(name)?,
            (None, true) => SocketAddr::from_pathname(address)?,
            (None, false) => {
                let what = format!("\"{address}\" is neither an absolute path nor an abstract name (@…)");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        Ok(Self { socket, address })
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        self.socket.send_to_addr(message, &self.address).map(drop)
    }
}
