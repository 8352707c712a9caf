//! Web origins: scheme, host and port, compared exactly.

use std::fmt;

use http::Uri;

use crate::settings::{Raw, Setting, Shape};

/// An origin as a browser sends it: `https://app.example.com`, lower case, without the scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin in `text`; nothing when it has a path, user, query, wildcard, or no `http` or `https` scheme.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let authority = uri.authority()?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let bare = uri.path().is_empty() || (uri.path() == "/" && !text.ends_with('/'));
        let strange = authority.as_str().contains(['@', '*']) || uri.query().is_some() || text.contains('#');
        if !bare || strange || authority.host().is_empty() {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        Some(Self(match authority.port_u16() {
            Some(port) if port != own_port => format!("{scheme}://{host}:{port}"),
            None if authority.as_str().len() != authority.host().len() => return None,
            _ => format!("{scheme}://{host}"),
        }))
    }

    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the origin is on this machine: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`, any port.
    #[must_use]
    pub fn local(&self) -> bool {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let host = if authority.starts_with('[') {
            authority.split_inclusive(']').next().unwrap_or_default()
        } else {
            authority.split(':').next().unwrap_or_default()
        };
        host == "localhost"
            || host == "[::1]"
            || host.ends_with(".localhost")
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What configuration may name as an allowed origin: one exactly, or any at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// This origin.
    Exactly(Origin),
    /// `*`: any origin, without credentials; refused in production.
    Any,
}

impl Setting for OriginPattern {
    const SHAPE: Shape = Shape::Text("origin", "https://app.example.com");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!(
                "expected an origin as text, such as \"https://app.example.com\", found {}",
                raw.kind()
            ));
        };
        if text == "*" {
            return Ok(Self::Any);
        }
        Origin::parse(text).map(Self::Exactly).ok_or_else(|| match text.strip_suffix('/') {
            Some(bare) if Origin::parse(bare).is_some() => format!("\"{text}\" ends with a slash, which an origin never has; write \"{bare}\""),
            _ if text.contains('*') => format!("\"{text}\" has a wildcard; origins are compared exactly, so list each one"),
            _ => format!("\"{text}\" is not an origin; write scheme and host, and the port when it is not the scheme's own, such as \"https://app.example.com\""),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        for (text, expect) in [
            ("https://app.example.com", Some("https://app.example.com")),
            ("HTTPS://App.Example.com:443", Some("https://app.example.com")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://[::1]:80", Some("http://[::1]")),
            ("https://app.example.com/", None),
            ("https://app.example.com/x", None),
            ("https://*.example.com", None),
            ("https://user@example.com", None),
            ("https://example.com:", None),
            ("https://example.com?x", None),
            ("ftp://example.com", None),
            ("example.com", None),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(Origin::parse(text).as_ref().map(Origin::as_str), expect, "{text}");
        }
    }

    #[test]
    fn local_origins_are_told_from_look_alikes() {
        for (text, local) in [
            ("http://localhost:5173", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:8080", true),
            ("http://app.localhost", true),
            ("http://localhost.evil.com", false),
            ("http://127.0.0.1.evil.com", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().local(), local, "{text}");
        }
    }
}
