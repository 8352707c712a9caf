//! The bytes of a client connection, in clear or encrypted.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use smallvec::SmallVec;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// What is written in one piece: to copy a head and a small body costs less than to tell the kernel of two places.
const SMALL_BYTES: usize = 4 * 1024;

/// A client connection as bytes of HTTP.
#[derive(Debug)]
pub(super) enum ClientStream {
    /// In clear.
    Plain(TcpStream),
    /// Encrypted; boxed, because its state is large.
    Tls(Box<TlsStream<TcpStream>>),
}

impl ClientStream {
    /// The socket beneath.
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Ends our side; over TLS by `close_notify`, so that the client knows that nothing was cut off.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => match gathered(parts, &mut Room::new()) {
                Some(bytes) => Pin::new(stream).poll_write(cx, bytes),
                None => Pin::new(stream).poll_write_vectored(cx, parts),
            },
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }
}

/// Where parts are gathered. Whoever gives it away by value moves all of it, however little is in it.
type Room = SmallVec<[u8; SMALL_BYTES]>;

/// Several parts as one, when together they are small.
fn gathered<'r>(parts: &[io::IoSlice<'_>], room: &'r mut Room) -> Option<&'r [u8]> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    (parts.len() > 1 && length <= SMALL_BYTES).then(|| {
        parts.iter().for_each(|part| room.extend_from_slice(part));
        room.as_slice()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_small_parts_are_one_and_a_large_one_stays_where_it_is() {
        let slices = |parts: &[usize]| parts.iter().map(|&length| vec![b'a'; length]).collect::<Vec<_>>();
        let length_of = |parts: &[usize]| {
            let parts = slices(parts);
            let parts: Vec<_> = parts.iter().map(|part| io::IoSlice::new(part)).collect();
            gathered(&parts, &mut Room::new()).map(<[u8]>::len)
        };
        assert_eq!(length_of(&[600, 0, 1_024]), Some(1_624));
        assert_eq!(length_of(&[SMALL_BYTES - 1, 1]), Some(SMALL_BYTES));
        assert_eq!(length_of(&[SMALL_BYTES, 1]), None);
        assert_eq!(length_of(&[600]), None, "one part is written as it is");
        let parts = [io::IoSlice::new(b"head"), io::IoSlice::new(b"body")];
        assert_eq!(gathered(&parts, &mut Room::new()), Some(&b"headbody"[..]));
    }
}
