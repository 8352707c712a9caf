//! Where one server of the upstream is, as people write it.

use std::{fmt, path::PathBuf};

use http::Uri;
use seawall_core::settings::{Raw, Setting, Shape};

/// `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UpstreamAddress {
    /// A host and a port.
    Network {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Whether the connection is encrypted and the server's certificate verified.
        encrypted: bool,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

const EXAMPLE: &str = "such as \"http://localhost:3000\"";

impl UpstreamAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.trim().strip_prefix("unix:") {
            return unix(text, path);
        }
        let uri: Uri = text.trim().parse().map_err(|_| format!("\"{text}\" is not a URL, {EXAMPLE}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(format!("\"{text}\" is not a whole URL; write scheme, host and port, {EXAMPLE}"));
        };
        let encrypted = match scheme {
            "http" => false,
            "https" => true,
            other => {
                return Err(format!(
                    "\"{text}\": the scheme {other}:// is not supported; name an http://, https:// or unix: address"
                ));
            }
        };
        if authority.as_str().contains('@') || uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err(format!("\"{text}\" holds more than scheme, host and port; paths are forwarded as they come"));
        }
        let port = match authority.port_u16() {
            Some(0) => return Err(format!("\"{text}\": port 0 is no address to connect to")),
            Some(port) => port,
            None if authority.as_str() == authority.host() => standard_port(encrypted),
            None => return Err(format!("\"{text}\" has a port that is not a number up to 65535")),
        };
        Ok(Self::Network { host: authority.host().trim_matches(['[', ']']).to_owned(), port, encrypted })
    }

    /// What a `Host` header has for a request that came without one.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Self::Network { host, port, encrypted } if *port == standard_port(*encrypted) => bracketed(host),
            Self::Network { host, port, .. } => format!("{}:{port}", bracketed(host)),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

fn unix(text: &str, path: &str) -> Result<UpstreamAddress, String> {
    // `unix:///run/app.sock` is as usual as `unix:/run/app.sock`.
    let path = path.strip_prefix("//").unwrap_or(path);
    // Linux and the BSDs keep a socket's path in 104 to 108 bytes.
    match path.len() {
        0..=1 => Err(format!("\"{text}\" names no socket; write its path, such as \"unix:/run/app.sock\"")),
        2..=103 if path.starts_with('/') => Ok(UpstreamAddress::Unix(PathBuf::from(path))),
        2..=103 => {
            Err(format!("\"{text}\": the socket's path must begin with a slash, such as \"unix:/run/app.sock\""))
        }
        _ => Err(format!("\"{text}\": the path of a socket may have 103 bytes")),
    }
}

const fn standard_port(encrypted: bool) -> u16 {
    if encrypted { 443 } else { 80 }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { host, port, encrypted } => {
                write!(f, "{}://{}:{port}", if *encrypted { "https" } else { "http" }, bracketed(host))
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Setting for UpstreamAddress {
    const SHAPE: Shape = Shape::Text("url", "http://localhost:3000");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a URL as text, {EXAMPLE}, found {}", other.kind())),
        }
    }
}

/// A server of several, as one text: its address, and how much of the requests it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeighedServer {
    /// Where it is.
    pub address: UpstreamAddress,
    /// Its share beside the others' weights.
    pub weight: u32,
}

impl WeighedServer {
    /// A server like any other.
    #[must_use]
    pub const fn new(address: UpstreamAddress) -> Self {
        Self { address, weight: 1 }
    }

    /// Reads `URL` or `URL weight=N`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let address = UpstreamAddress::parse(words.next().unwrap_or_default())?;
        let weight = match (words.next(), words.next()) {
            (None, _) => Some(1),
            (Some(word), None) => word.strip_prefix("weight=").and_then(|weight| weight.parse().ok()),
            _ => None,
        };
        match weight.filter(|weight| (1..=100).contains(weight)) {
            Some(weight) => Ok(Self { address, weight }),
            None => Err(format!(
                "\"{text}\" is not a server with a weight from 1 to 100, such as \"http://10.0.0.2:3000 weight=2\""
            )),
        }
    }
}

impl Setting for WeighedServer {
    const SHAPE: Shape = Shape::Text("server", "http://10.0.0.2:3000 weight=2");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a server as text, {EXAMPLE}, found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (text, printed, authority) in [
            ("http://localhost:3000", "http://localhost:3000", "localhost:3000"),
            ("http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1"),
            ("http://[::1]:3000", "http://[::1]:3000", "[::1]:3000"),
            ("https://app.example", "https://app.example:443", "app.example"),
            ("unix:/run/app.sock", "unix:/run/app.sock", "localhost"),
            ("unix:///run/app.sock", "unix:/run/app.sock", "localhost"),
        ] {
            let address = UpstreamAddress::parse(text).unwrap();
            assert_eq!((address.to_string().as_str(), address.authority().as_str()), (printed, authority));
        }
        for (text, part) in [
            ("localhost:3000", "whole URL"),
            ("http://x:1/api", "more than"),
            ("ftp://x", "not supported"),
            ("http://x:0", "port 0"),
            ("http://x:99999", "65535"),
            ("", "not a URL"),
            ("unix:", "names no socket"),
            ("unix:run/app.sock", "begin with a slash"),
            (&format!("unix:/{}", "x".repeat(200)), "103 bytes"),
        ] {
            let error = UpstreamAddress::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_server_may_have_a_weight() {
        assert_eq!(WeighedServer::parse("http://a:1").unwrap().weight, 1);
        assert_eq!(WeighedServer::parse("unix:/a.sock weight=7").unwrap().weight, 7);
        for text in ["http://a:1 weight=0", "http://a:1 weight=101", "http://a:1 2", "http://a:1 weight=1 x", "a"] {
            assert!(WeighedServer::parse(text).is_err(), "{text}");
        }
    }
}
