//! Who a connection is from when a proxy in front announces it by the PROXY protocol.

use std::{
    net::{IpAddr, SocketAddr},
    task::{Context, Poll, ready},
};

use seawall_core::http::proxy_protocol::{self as protocol, Conveyed, Parsed};
use tokio::{io::ReadBuf, net::TcpStream};

use super::{Activity, watchdog::unless_silent};
use crate::core::{Core, Counted};

/// How many bytes are looked at in one go: every header but those with long records.
const LOOK_BYTES: usize = 536;

/// Who a connection is from.
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// Its place among those of its address, where another one announced it.
    _counted: Option<Counted>,
}

/// Who the connection is from; nothing when that is not to be known, or too many are.
pub(super) async fn client(core: &Core, stream: &TcpStream, peer: SocketAddr, activity: &Activity) -> Option<Client> {
    let address = address(core, stream, peer, activity).await?;
    let counted = if address == peer.ip() { None } else { core.admit_announced(address).ok()? };
    Some(Client { address, _counted: counted })
}

/// The client's address. Where headers are announced, nothing else is believed: a connection that does not come from a trusted
/// proxy, or does not begin with a header, is not served, because its address could be anybody's.
async fn address(core: &Core, stream: &TcpStream, peer: SocketAddr, activity: &Activity) -> Option<IpAddr> {
    let settings = core.settings();
    if !settings.proxy_protocol {
        return Some(peer.ip());
    }
    let trusted = &settings.trusted;
    let meters = &core.meters.announced;
    if !trusted.contains(peer.ip()) {
        meters.untrusted.increment();
        return None;
    }
    let mut seen = Vec::new();
    match unless_silent(core, activity, |cx| poll_header(stream, &mut seen, cx)).await {
        Ok(Some(Conveyed::Client { source, .. })) => {
            meters.client.increment();
            Some(source.ip())
        }
        Ok(Some(Conveyed::Local | Conveyed::Unknown)) => {
            meters.local.increment();
            Some(peer.ip())
        }
        Ok(None) => {
            meters.refused.increment();
            None
        }
        Err(_silent) => {
            meters.silent.increment();
            None
        }
    }
}

/// Takes the header from the socket and not a byte more: what follows may be a handshake, which is read elsewhere. Nothing when
/// there is no header to believe, or the connection ended.
fn poll_header(stream: &TcpStream, seen: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<Option<Conveyed>> {
    loop {
        let mut bytes = [0; LOOK_BYTES];
        let mut looked = ReadBuf::new(&mut bytes);
        match ready!(stream.poll_peek(cx, &mut looked)) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Poll::Ready(None),
        }
        let before = seen.len();
        seen.extend_from_slice(looked.filled());
        let (conveyed, take) = match protocol::parse(seen) {
            Parsed::NeedMore => (None, seen.len() - before),
            Parsed::Header { conveyed, length } => (Some(conveyed), length - before),
            Parsed::Refused(reason) => {
                tracing::debug!(reason = %reason, "a connection was not announced as it must be");
                return Poll::Ready(None);
            }
        };
        // As many bytes as were looked at are there, so they come at once and whole.
        let taken = bytes.get_mut(..take).map(|bytes| stream.try_read(bytes));
        if !matches!(taken, Some(Ok(count)) if count == take) {
            return Poll::Ready(None);
        }
        if conveyed.is_some() {
            return Poll::Ready(conveyed);
        }
    }
}
