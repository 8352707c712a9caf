//! The opening handshake (RFC 6455 section 4): what a client must send, and what the application may answer.
//!
//! Read before hop-by-hop fields are taken off: `Connection` and `Upgrade` are part of what is checked.

use std::collections::BTreeSet;

use http::{
    HeaderMap, HeaderName, Method, StatusCode, Version,
    header::{
        SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};

use crate::http::hop;

/// The one version there is: what `Sec-WebSocket-Version` must say, and what an answer of 426 must offer.
pub const VERSION: &str = "13";

/// A request to open a WebSocket that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The subprotocols that the client offers, in its order.
    protocols: Vec<String>,
}

/// Why a request cannot open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeFault {
    /// Another method than GET.
    #[error("a WebSocket is opened with GET")]
    Method,
    /// Another version than HTTP/1.1.
    #[error("a WebSocket is opened with HTTP/1.1")]
    HttpVersion,
    /// `Upgrade` names more than `websocket`, so the application could answer with another protocol.
    #[error("the Upgrade header must name websocket alone")]
    Upgrade,
    /// Not exactly one `Sec-WebSocket-Version: 13`. The answer must offer [`VERSION`].
    #[error("the Sec-WebSocket-Version header must be 13")]
    Version,
    /// Not exactly one key of 16 bytes in base64.
    #[error("the Sec-WebSocket-Key header must be 16 bytes in base64")]
    Key,
    /// `Sec-WebSocket-Protocol` is no list of different tokens.
    #[error("the Sec-WebSocket-Protocol header must list tokens, each of them once")]
    Protocols,
}

impl HandshakeFault {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            // RFC 6455 section 4.4.
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Method | Self::HttpVersion | Self::Upgrade | Self::Key | Self::Protocols => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why the application's 101 must not reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// `Upgrade` is not `websocket` alone.
    #[error("the application switched to another protocol than websocket")]
    Upgrade,
    /// Not exactly one `Sec-WebSocket-Accept`.
    #[error("the application's answer must have one Sec-WebSocket-Accept header")]
    Accept,
    /// A subprotocol that was not offered, or more than one.
    #[error("the application chose a subprotocol that the client did not offer")]
    Protocol,
    /// An extension, though none is ever offered to the application.
    #[error("the application chose an extension that was not offered")]
    Extensions,
}

/// Whether a request asks for a WebSocket, well or badly: `Connection: upgrade`, and `websocket` anywhere in `Upgrade`.
#[must_use]
pub fn asked(headers: &HeaderMap) -> bool {
    hop::upgrade(headers).is_some() && list(headers, &UPGRADE).any(|name| name.eq_ignore_ascii_case(b"websocket"))
}

/// A handshake, when the request is a good one.
#[must_use]
pub fn read(method: &Method, version: Version, headers: &HeaderMap) -> Option<Handshake> {
    if asked(headers) { check(method, version, headers).ok() } else { None }
}

/// Checks a request that [`asked`].
///
/// # Errors
/// The first [`HandshakeFault`] there is.
pub fn check(method: &Method, version: Version, headers: &HeaderMap) -> Result<Handshake, HandshakeFault> {
    if method != Method::GET {
        return Err(HandshakeFault::Method);
    }
    if version != Version::HTTP_11 {
        return Err(HandshakeFault::HttpVersion);
    }
    if !only_websocket(headers) {
        return Err(HandshakeFault::Upgrade);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
        return Err(HandshakeFault::Version);
    }
    if !only(headers, &SEC_WEBSOCKET_KEY).is_some_and(encodes_16_bytes) {
        return Err(HandshakeFault::Key);
    }
    let protocols = list(headers, &SEC_WEBSOCKET_PROTOCOL).map(token).collect::<Option<Vec<_>>>();
    let protocols = protocols.ok_or(HandshakeFault::Protocols)?;
    let different = protocols.iter().collect::<BTreeSet<_>>().len();
    if different == protocols.len() { Ok(Handshake { protocols }) } else { Err(HandshakeFault::Protocols) }
}

impl Handshake {
    /// The subprotocols that the client offers, in its order.
    #[must_use]
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Checks the application's 101. Whether `Sec-WebSocket-Accept` fits the key is the client's to check.
    ///
    /// # Errors
    /// The first [`AnswerFault`] there is.
    pub fn check_answer(&self, headers: &HeaderMap) -> Result<(), AnswerFault> {
        if !only_websocket(headers) {
            return Err(AnswerFault::Upgrade);
        }
        if only(headers, &SEC_WEBSOCKET_ACCEPT).is_none_or(<[u8]>::is_empty) {
            return Err(AnswerFault::Accept);
        }
        let offered = |chosen: &[u8]| self.protocols.iter().any(|protocol| protocol.as_bytes() == chosen);
        if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) && !only(headers, &SEC_WEBSOCKET_PROTOCOL).is_some_and(offered)
        {
            return Err(AnswerFault::Protocol);
        }
        if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(AnswerFault::Extensions);
        }
        Ok(())
    }
}

fn only_websocket(headers: &HeaderMap) -> bool {
    only(headers, &UPGRADE).is_some_and(|name| name.eq_ignore_ascii_case(b"websocket"))
}

/// The value of a field that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    lines.next().is_none().then(|| first.as_bytes().trim_ascii())
}

/// The elements of a field that is a list, over all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// A token (RFC 9110 section 5.6.2).
fn token(bytes: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!bytes.is_empty() && bytes.iter().all(allowed)).then(|| bytes.iter().copied().map(char::from).collect())
}

/// Whether this is the base64 of 16 bytes: 22 characters, the last of which has its four lowest bits clear, and the padding.
fn encodes_16_bytes(key: &[u8]) -> bool {
    let Some((digits, b"==")) = key.split_last_chunk::<2>() else { return false };
    digits.len() == 22
        && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
        && digits.ends_with(b"A") | digits.ends_with(b"Q") | digits.ends_with(b"g") | digits.ends_with(b"w")
}

#[cfg(test)]
mod tests;
