//! The bytes that are signed (RFC 9421 section 2.5): a line for each part that is covered, then one that says what was covered.

use http::{HeaderMap, Method, Uri, header::HOST};

use super::Component;

/// What the parts are taken from.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// Whether the client asked over TLS.
    pub secure: bool,
}

/// A part that is covered, and that the request does not have, or has more than once where once is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is covered, and not in the request exactly once")]
pub struct Absent(pub String);

/// The bytes that are signed; `parameters` is the value of the last line.
///
/// # Errors
/// [`Absent`].
pub fn base(components: &[Component], parameters: &str, request: Signed<'_>) -> Result<Vec<u8>, Absent> {
    let mut base = Vec::with_capacity(256 + parameters.len());
    for component in components {
        base.extend_from_slice(component.to_string().as_bytes());
        base.extend_from_slice(b": ");
        request.write(component, &mut base).ok_or_else(|| Absent(component.to_string()))?;
        base.push(b'\n');
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(parameters.as_bytes());
    Ok(base)
}

impl Signed<'_> {
    fn write(&self, component: &Component, base: &mut Vec<u8>) -> Option<()> {
        let mut text = |text: &str| base.extend_from_slice(text.as_bytes());
        match component {
            Component::Method => text(self.method.as_str()),
            Component::Scheme => text(self.scheme()),
            Component::Authority => text(&self.authority()?),
            Component::Path => text(self.path()),
            Component::Query => {
                text("?");
                text(self.uri.query().unwrap_or_default());
            }
            Component::RequestTarget => self.target(text),
            Component::TargetUri => {
                text(self.scheme());
                text("://");
                text(&self.authority()?);
                self.target(text);
            }
            Component::QueryParameter(name) => text(&self.parameter(name)?),
            Component::Field(name) => {
                let mut values = self.headers.get_all(name).iter();
                base.extend_from_slice(values.next()?.as_bytes().trim_ascii());
                for value in values {
                    base.extend_from_slice(b", ");
                    base.extend_from_slice(value.as_bytes().trim_ascii());
                }
            }
        }
        Some(())
    }

    const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    fn path(&self) -> &str {
        match self.uri.path() {
            "" => "/",
            path => path,
        }
    }

    fn target(&self, mut text: impl FnMut(&str)) {
        text(self.path());
        if let Some(query) = self.uri.query() {
            text("?");
            text(query);
        }
    }

    /// In small letters, and without the port that the scheme has anyway (RFC 9421 section 2.2.3).
    fn authority(&self) -> Option<String> {
        let mut hosts = self.headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok()?,
            (None, _) => self.uri.authority()?.as_str(),
            (Some(_), Some(_)) => return None,
        };
        let host = host.trim().to_ascii_lowercase();
        let port = if self.secure { ":443" } else { ":80" };
        Some(host.strip_suffix(port).map_or_else(|| host.clone(), str::to_owned))
    }

    /// The value of the one parameter of this name, encoded anew (RFC 9421 section 2.2.8).
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.uri.query()?.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut found = pairs.filter(|(own, _)| encoded_anew(own) == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(encoded_anew(value)),
            _ => None,
        }
    }
}

/// What a form's encoding means, with every byte percent-encoded that the URL standard encodes in forms, and `%20` for a space.
fn encoded_anew(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |high: u8, low: u8| {
            let digit = |byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(high)? << 4 | digit(low)?)
        };
        let mut ahead = bytes.clone();
        match (byte, ahead.next(), ahead.next()) {
            (b'%', Some(high), Some(low)) if hex(high, low).is_some() => {
                decoded.extend(hex(high, low));
                bytes = ahead;
            }
            (b'+', ..) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    let mut out = String::with_capacity(text.len());
    for byte in String::from_utf8_lossy(&decoded).bytes() {
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15]
                    .map(|half| char::from_digit(u32::from(half), 16).unwrap_or_default().to_ascii_uppercase()),
            );
        }
    }
    out
}
