//! Who a request is from, once a credential was verified; and the port by which everyone hears that it holds no longer.

use std::{fmt, sync::Arc};

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user, API key or device.
    pub id: Arc<str>,
    /// The session, when it is one.
    pub session: Option<Arc<str>>,
    /// When the credential expires, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at_unix_us: Option<u64>,
}

/// What holds no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One session.
    Session(Arc<str>),
    /// Everything of a user, API key or device.
    Principal(Arc<str>),
}

/// Whoever wants to hear of revocations. Called on any thread; it must not wait.
pub type Listener = Arc<dyn Fn(&Revoked) + Send + Sync>;

/// Tells of sessions, keys and users that hold no longer.
pub trait Revocations: fmt::Debug + Send + Sync {
    /// From now on the listener hears of each revocation, within a second of it.
    fn listen(&self, listener: Listener);
}
