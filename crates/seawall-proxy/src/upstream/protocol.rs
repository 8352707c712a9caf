//! Which HTTP the servers are spoken to in, and what that means for the bytes of a connection.

use seawall_core::settings::{Raw, Setting, Shape, choice};

/// What an operator chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: agreed on by ALPN over TLS, by prior knowledge in clear.
    Http2,
    /// What the server chooses by ALPN over TLS; HTTP/1.1 in clear.
    Auto,
}

impl Setting for Protocol {
    const SHAPE: Shape = Shape::Choice(&["http1", "http2", "auto"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("http1", Self::Http1), ("http2", Self::Http2), ("auto", Self::Auto)])
    }
}

/// What is spoken on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// HTTP/1.1: one request at a time.
    Http1,
    /// HTTP/2: many requests at once.
    Http2,
}

/// Over what a request can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Whatever the server speaks.
    Any,
    /// HTTP/1.1, because it asks for another protocol after it.
    Http1,
}
