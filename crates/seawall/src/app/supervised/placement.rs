//! The way to the proxy: where requests go, and which are still on their way.

use std::{fmt, net::SocketAddr};

use seawall_proxy::{Upstream, UpstreamAddress};

/// What a supervisor tells and asks the proxy when it replaces the application.
pub trait Placement: fmt::Debug + Send + Sync {
    /// From now on requests go to this address.
    fn place(&self, address: SocketAddr);

    /// Requests in flight to an address that was replaced.
    fn in_flight(&self, address: SocketAddr) -> usize;
}

/// The way of a supervised application's requests: the servers of the upstream.
#[derive(Debug)]
pub struct Placed(Upstream);

impl Placed {
    /// The way by these servers.
    pub(in crate::app) const fn new(upstream: Upstream) -> Self {
        Self(upstream)
    }
}

impl Placement for Placed {
    fn place(&self, address: SocketAddr) {
        if let Err(error) = self.0.place(server(address)) {
            tracing::error!(error = &error as &dyn std::error::Error, "requests cannot be led to the application");
        }
    }

    fn in_flight(&self, address: SocketAddr) -> usize {
        self.0.in_flight(&server(address))
    }
}

/// A supervised application speaks HTTP in clear on this machine.
fn server(address: SocketAddr) -> UpstreamAddress {
    UpstreamAddress::Network { host: address.ip().to_string(), port: address.port(), encrypted: false }
}
