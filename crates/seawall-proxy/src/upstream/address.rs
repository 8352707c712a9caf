//! Where the application is.

use std::fmt;

use http::Uri;
use seawall_core::settings::{Raw, Setting, Shape};

/// `http://HOST:PORT`, resolved anew for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamAddress {
    host: String,
    port: u16,
}

impl UpstreamAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "such as \"http://localhost:3000\"";
        let uri: Uri = text.trim().parse().map_err(|_| format!("\"{text}\" is not a URL, {example}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(format!("\"{text}\" is not a whole URL; write scheme, host and port, {example}"));
        };
        match scheme {
            "http" => {}
            "https" => {
                return Err(format!("\"{text}\": encrypted upstreams are not supported; name an http:// address"));
            }
            other => {
                return Err(format!("\"{text}\": the scheme {other}:// is not supported; name an http:// address"));
            }
        }
        if authority.as_str().contains('@') || uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err(format!("\"{text}\" holds more than scheme, host and port; paths are forwarded as they come"));
        }
        let port = match authority.port_u16() {
            Some(0) => return Err(format!("\"{text}\": port 0 is no address to connect to")),
            Some(port) => port,
            None if authority.as_str() == authority.host() => 80,
            None => return Err(format!("\"{text}\" has a port that is not a number up to 65535")),
        };
        Ok(Self { host: authority.host().trim_matches(['[', ']']).to_owned(), port })
    }

    /// Host and port as a `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        self.to_string().trim_start_matches("http://").to_owned()
    }

    /// Host and port, for resolving.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

impl Setting for UpstreamAddress {
    const SHAPE: Shape = Shape::Text("url", "http://localhost:3000");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a URL as text, such as \"http://localhost:3000\", found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (text, printed) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1/", "http://127.0.0.1:80"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(UpstreamAddress::parse(text).unwrap().to_string(), printed);
        }
        for (text, part) in [
            ("localhost:3000", "whole URL"),
            ("https://x:1", "encrypted"),
            ("http://x:1/api", "more than"),
            ("ftp://x", "not supported"),
            ("http://x:0", "port 0"),
            ("http://x:99999", "65535"),
            ("", "not a URL"),
        ] {
            let error = UpstreamAddress::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
