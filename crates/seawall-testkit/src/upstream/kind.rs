//! What an upstream does with a connection and with the requests on it.

/// The behaviour of a whole upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The path of each request chooses; see the table of [`crate::upstream`].
    ByPath,
    /// Every request is treated as if it asked for this path, such as `/status/503`.
    Always(String),
    /// The path chooses for the first request of each connection; the next one is read and the connection closed.
    DiesWhenReused,
    /// Connections are accepted and closed at once (FIN).
    ClosesOnAccept,
    /// Connections are accepted and reset at once (RST).
    ResetsOnAccept,
    /// Connections are accepted and never read.
    NeverReads,
}

impl Kind {
    /// Every request is treated as if it asked for `path`.
    pub fn always(path: impl Into<String>) -> Self {
        Self::Always(path.into())
    }
}
