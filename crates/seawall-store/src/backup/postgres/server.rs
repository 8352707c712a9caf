//! A PostgreSQL database by its URL, with the password apart: what stands on a command line can be read by every user.

use std::fmt;

use super::super::BackupError;

/// Where a database is.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresServer {
    /// The URL without the password.
    url: String,
    password: Option<String>,
}

impl PostgresServer {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Without a password, PostgreSQL's own password file is used.
    ///
    /// # Errors
    /// [`BackupError::Unfit`].
    pub fn parse(url: &str) -> Result<Self, BackupError> {
        let unfit = |reason: &str| BackupError::Unfit(format!("no PostgreSQL URL: {reason}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| unfit("expected postgres://HOST/DATABASE"))?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(unfit("expected postgres://HOST/DATABASE"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let Some((user, host)) = authority.rsplit_once('@') else {
            return Ok(Self { url: url.to_owned(), password: None });
        };
        let (user, password) = match user.split_once(':') {
            None => (user, None),
            Some((user, password)) => {
                (user, Some(decoded(password).ok_or_else(|| unfit("its password is not encoded"))?))
            }
        };
        Ok(Self { url: format!("postgres://{user}@{host}{tail}"), password })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Another database of the same server.
    pub(super) fn database(&self, name: &str) -> Self {
        let begin = self.url.find("://").map_or(0, |at| at + 3);
        let rest = self.url.get(begin..).unwrap_or_default();
        let (before, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let host = before.split_once('/').map_or(before, |(host, _)| host);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Self { url: format!("postgres://{host}/{name}{query}"), password: self.password.clone() }
    }
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Without percent-encoding (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_apart_and_decoded() {
        let server = PostgresServer::parse("postgresql://app:p%40ss%3A1@db:5433/shop?sslmode=require").unwrap();
        assert_eq!(server.url(), "postgres://app@db:5433/shop?sslmode=require");
        assert_eq!(server.password(), Some("p@ss:1"));
        assert!(!format!("{server:?}").contains("p@ss"));
        assert_eq!(server.database("other").url(), "postgres://app@db:5433/other?sslmode=require");
        let plain = PostgresServer::parse("postgres:///shop?host=/run/postgresql").unwrap();
        assert_eq!(plain.database("other").url(), "postgres:///other?host=/run/postgresql");
        assert!(PostgresServer::parse("mysql://x/y").is_err());
    }
}
