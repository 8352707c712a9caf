//! The beginning of an encrypted connection.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::certificate::ClientCertificate;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::rustls::{HandshakeKind, ServerConnection};
use webpki::EndEntityCert;

use super::{Activity, server::waits_in_kernel, socket::Protocol, stream::ClientStream, watchdog::unless_silent};
use crate::{core::Core, tls::View};

/// The first byte of a handshake: a record of that kind (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What a client is told that speaks in clear, and how long it may take to hear it. What else it sends is read, because the
/// system resets a client whose bytes nobody has read.
const SPEAK_HTTPS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 58\r\nConnection: close\r\n\r\nThis port speaks HTTPS; ask again with https:// in front.\n";
const HEAR_IT: Duration = Duration::from_secs(1);
const MOST_HEARD_BYTES: u64 = 64 * 1024;

/// A connection that is encrypted, and what was agreed on.
pub(super) struct Encrypted {
    pub(super) stream: ClientStream,
    pub(super) protocol: Protocol,
    pub(super) certificate: Option<Arc<ClientCertificate>>,
}

/// Encrypts a connection; nothing when that fails, and whatever is to be said about it was said.
pub(super) async fn encrypt(core: &Core, tls: &View, stream: TcpStream, activity: &Activity) -> Option<Encrypted> {
    let meters = &core.meters.handshakes;
    let looked = unless_silent(core, activity, |cx| poll_first_byte(&stream, cx)).await;
    // Bytes that have come just now are what a handshake begins with, or the handshake says that they are not.
    match looked.unwrap_or_else(|_| waits_in_kernel(&stream).then_some(HANDSHAKE_RECORD))? {
        HANDSHAKE_RECORD => {}
        first if first.is_ascii_alphabetic() => {
            meters.plain_http.increment();
            say_https(stream).await;
            return None;
        }
        _ => {
            meters.not_tls.increment();
            return None;
        }
    }
    let stream = match timeout(tls.settings().handshake, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            meters.failed.increment();
            tracing::debug!(error = %error, "a handshake failed");
            return None;
        }
        Err(_late) => {
            meters.timed_out.increment();
            return None;
        }
    };
    let connection = stream.get_ref().1;
    match connection.handshake_kind() {
        Some(HandshakeKind::Resumed) => meters.resumed.increment(),
        _ => meters.full.increment(),
    }
    let protocol = agreed(connection.alpn_protocol());
    // The request has the same time to begin as on a connection in clear.
    activity.begin_anew();
    let certificate = certificate(connection, tls.settings().tell_certificates).map(Arc::new);
    Some(Encrypted { stream: ClientStream::Tls(Box::new(stream)), protocol, certificate })
}

/// The certificate that a client showed and that was verified, in this handshake or in the one that is resumed.
fn certificate(connection: &ServerConnection, told: bool) -> Option<ClientCertificate> {
    let der = connection.peer_certificates()?.first()?;
    let parsed = EndEntityCert::try_from(der).ok();
    let subject = parsed.as_ref().map_or(&b""[..], |certificate| certificate.subject());
    Some(ClientCertificate::new(der, subject, told))
}

/// What a handshake agreed on. HTTP/2 is never begun over TLS without ALPN (RFC 9113 section 3.3).
fn agreed(alpn: Option<&[u8]>) -> Protocol {
    if alpn == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 }
}

/// Looks at the first byte and leaves it where it is; nothing when the client has left.
fn poll_first_byte(stream: &TcpStream, cx: &mut Context<'_>) -> Poll<Option<u8>> {
    let mut byte = [0];
    stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)).map(|looked| match looked {
        Ok(1..) => byte.first().copied(),
        Ok(0) | Err(_) => None,
    })
}

/// Tells a client that speaks in clear what to do, as far as it listens.
async fn say_https(mut stream: TcpStream) {
    let said = async {
        stream.write_all(SPEAK_HTTPS).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(MOST_HEARD_BYTES), &mut tokio::io::sink()).await
    };
    let _however = timeout(HEAR_IT, said).await;
}
