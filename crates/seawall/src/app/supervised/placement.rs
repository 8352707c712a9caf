//! The way to the proxy: where requests go, and which are still on their way.

use std::{fmt, net::SocketAddr};

/// What a supervisor tells and asks the proxy when it replaces the application.
pub trait Placement: fmt::Debug + Send + Sync {
    /// From now on requests go to this address.
    fn place(&self, address: SocketAddr);

    /// Requests in flight to an address that was replaced.
    fn in_flight(&self, address: SocketAddr) -> usize;
}
