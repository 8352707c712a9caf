//! Who and what a change is for. Every write has one, so that what is recorded of it cannot lack it.

use std::{net::IpAddr, sync::Arc};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(Arc<str>),
    /// An API key.
    Key(Arc<str>),
    /// A device.
    Device(Arc<str>),
    /// Whoever sits at the machine and uses the command line or the admin interface.
    Operator,
    /// A part of Seawall, by name: `retention`, `outbox`.
    System(&'static str),
    /// Somebody who has not said who they are.
    Anonymous,
}

impl Actor {
    /// The kind of actor, as it is recorded.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Key(_) => "key",
            Self::Device(_) => "device",
            Self::Operator => "operator",
            Self::System(_) => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// Which one of its kind, when there are several.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::User(id) | Self::Key(id) | Self::Device(id) => Some(id),
            Self::System(name) => Some(name),
            Self::Operator | Self::Anonymous => None,
        }
    }
}

/// Why a transaction writes: who, from where, and in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who acts.
    pub actor: Actor,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<Arc<str>>,
}

impl Cause {
    /// A change that Seawall makes by itself.
    #[must_use]
    pub const fn system(name: &'static str) -> Self {
        Self { actor: Actor::System(name), address: None, request_id: None }
    }

    /// A change that an operator makes at the machine.
    #[must_use]
    pub const fn operator() -> Self {
        Self { actor: Actor::Operator, address: None, request_id: None }
    }

    /// A change that a request makes.
    #[must_use]
    pub fn request(actor: Actor, address: Option<IpAddr>, request_id: impl Into<Arc<str>>) -> Self {
        Self { actor, address, request_id: Some(request_id.into()) }
    }
}
