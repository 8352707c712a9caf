//! Why Redis cannot be used, for people.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis cannot be used. Says nothing of what is secret in the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisFault {
    /// It answers, and does not let us in or do what we need: trying again does not help.
    #[error("redis at {url} refuses what Seawall needs: {why}")]
    Refused {
        /// Where it is.
        url: String,
        /// What it said.
        why: String,
    },
    /// It cannot be reached or does not work at the moment.
    #[error("redis at {url} cannot be used: {why}")]
    Unavailable {
        /// Where it is.
        url: String,
        /// What happened.
        why: String,
    },
}

impl RedisFault {
    /// What an error means.
    pub(super) fn of(url: String, error: &RedisError) -> Self {
        let refused = matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
            || error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"));
        let why = error.to_string();
        if refused { Self::Refused { url, why } } else { Self::Unavailable { url, why } }
    }
}
