//! Where Redis or Valkey is.

use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use seawall_core::settings::{Raw, Setting, Shape};

/// A server by its URL: `redis://USER:PASSWORD@HOST:PORT/NUMBER`, `rediss://` when encrypted, `redis+unix:///PATH` for a socket;
/// `valkey` in the place of `redis` means the same.
#[derive(Clone)]
pub struct RedisUrl(ConnectionInfo);

impl RedisUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence about what is wrong, without the URL: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        // The password must not stand in a message, so what the client says of the URL is not passed on whole.
        let info = text.into_connection_info().map_err(|error| {
            format!(
                "expected redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT/0 or redis+unix:///PATH ({})",
                error.category()
            )
        })?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err("`#insecure` is not supported: certificates are always verified".to_owned());
        }
        Ok(Self(info))
    }

    pub(super) fn info(&self) -> ConnectionInfo {
        self.0.clone()
    }
}

/// Without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.addr() {
            ConnectionAddr::TcpTls { .. } => "rediss",
            ConnectionAddr::Unix(_) => "redis+unix",
            _ => "redis",
        };
        write!(f, "{scheme}://{}", self.0.addr())?;
        match self.0.redis_settings().db() {
            0 => Ok(()),
            number => write!(f, "/{number}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl Setting for RedisUrl {
    // It may hold a password.
    const SHAPE: Shape = Shape::Address;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_what_is_secret() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://:s3cret@10.0.0.7:7000/2", "redis://10.0.0.7:7000/2"),
            ("rediss://seawall:s3cret@cache.example", "rediss://cache.example:6379"),
            ("valkey://cache.example:6380", "redis://cache.example:6380"),
            ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock"),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("s3cret"));
        }
    }

    #[test]
    fn mistakes_are_told_without_the_url() {
        for text in [
            "",
            "localhost:6379",
            "http://:s3cret@localhost",
            "redis://",
            "redis://:s3cret@host:port",
            "redis://h/s3cret",
        ] {
            let error = RedisUrl::parse(text).unwrap_err();
            assert!(error.contains("redis://HOST:PORT") && !error.contains("s3cret"), "{text}: {error}");
        }
        assert!(RedisUrl::parse("rediss://host/#insecure").unwrap_err().contains("verified"));
    }
}
