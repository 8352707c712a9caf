//! Finding the client and telling the application.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{FORWARDED, HOST},
};
use seawall_core::{
    http::{Networks, forwarded, forwarded::Source},
    meter::Handle,
};

use crate::{Context, Guard, Head, Verdict};

static FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static HOST_SENT: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What a field says of the client, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nothing.
    None,
    /// What we write ourselves, in the place of whatever a stranger wrote.
    Ours,
    /// Another spelling of who the client is or what it asked for that some applications believe; a stranger's is removed.
    Forged,
}

impl Claim {
    fn of(name: &HeaderName) -> Self {
        match name.as_str() {
            "forwarded" | "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" => Self::Ours,
            "x-real-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "x-original-forwarded-for"
            | "x-original-url"
            | "x-rewrite-url"
            | "x-url-scheme"
            | "x-proxyuser-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
            | "cf-connecting-ipv6"
            | "fastly-client-ip"
            | "fly-client-ip"
            | "forwarded-for"
            | "front-end-https"
            | "proxy" => Self::Forged,
            other if other.starts_with("x-forwarded") => Self::Forged,
            _ => Self::None,
        }
    }
}

/// Finds the client's address.
#[derive(Debug)]
pub struct ClientAddressGuard {
    trusted: Networks,
    source: Source,
    untrusted: Handle,
}

impl ClientAddressGuard {
    /// Believes these proxies; counts forwarding headers of others.
    #[must_use]
    pub const fn new(trusted: Networks, source: Source, untrusted: Handle) -> Self {
        Self { trusted, source, untrusted }
    }
}

impl Guard for ClientAddressGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let headers = &mut head.headers;
        context.peer_trusted = self.trusted.contains(context.peer.address);
        if context.peer_trusted {
            let claimed = forwarded::client(context.peer.address, headers, &self.trusted, self.source);
            context.client = claimed.client;
            context.secure = claimed.secure.unwrap_or(context.peer.secure);
            extend(headers, context, self.source);
        } else {
            self.replace(headers, context);
        }
        Verdict::Pass
    }
}

impl ClientAddressGuard {
    /// What we say of a peer that is the client.
    fn replace(&self, headers: &mut HeaderMap, context: &Context) {
        // Ordinary requests have none of these; looking once at the names that are there is cheaper than asking for each.
        let claims = |claim| move |name: &&HeaderName| Claim::of(name) == claim;
        if headers.keys().any(|name| Claim::of(name) != Claim::None) {
            if headers.contains_key(&FOR) || headers.contains_key(FORWARDED) {
                self.untrusted.increment();
            }
            for claim in [Claim::Forged, Claim::Ours] {
                while let Some(name) = headers.keys().find(claims(claim)).cloned() {
                    headers.remove(name);
                }
            }
        }
        let host = headers.get(HOST).cloned();
        if let Some(element) = element(context, host.as_ref()) {
            headers.insert(FORWARDED, element);
        }
        headers.insert(&FOR, context.peer.text.clone());
        headers.insert(&PROTO, scheme(context.secure));
        if let Some(host) = host {
            headers.insert(&HOST_SENT, host);
        }
    }
}

/// What we add to what trusted proxies said; the header that they do not write begins anew with the client they named.
fn extend(headers: &mut HeaderMap, context: &Context, source: Source) {
    match source {
        Source::XForwardedFor => {
            headers.remove(FORWARDED);
            append(headers, &FORWARDED, &node(context.client, context.client.to_string().as_bytes(), 0));
        }
        Source::Forwarded => {
            headers.remove(&FOR);
            append(headers, &FOR, context.client.to_string().as_bytes());
        }
    }
    append(headers, &FOR, context.peer.text.as_bytes());
    if let Some(element) = element(context, headers.get(HOST)) {
        append(headers, &FORWARDED, element.as_bytes());
    }
    if !headers.contains_key(&PROTO) {
        headers.insert(&PROTO, scheme(context.secure));
    }
    if let Some(host) = headers.get(HOST).filter(|_| !headers.contains_key(&HOST_SENT)).cloned() {
        headers.insert(&HOST_SENT, host);
    }
}

/// Joins all lines of a list header into one and adds a part.
fn append(headers: &mut HeaderMap, name: &HeaderName, part: &[u8]) {
    let mut line = Vec::with_capacity(64);
    for value in headers.get_all(name) {
        line.extend_from_slice(value.as_bytes());
        line.extend_from_slice(b", ");
    }
    line.extend_from_slice(part);
    if let Ok(value) = HeaderValue::from_bytes(&line) {
        headers.insert(name.clone(), value);
    }
}

fn scheme(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure { "https" } else { "http" })
}

const HOST_START: &[u8] = b";host=\"";

/// One element of `Forwarded` (RFC 7239): IPv6 addresses and hosts are quoted.
fn element(context: &Context, host: Option<&HeaderValue>) -> Option<HeaderValue> {
    let host = host.map(HeaderValue::as_bytes).filter(|host| quotable(host));
    let proto: &[u8] = if context.peer.secure { b";proto=https" } else { b";proto=http" };
    let host_length = host.map_or(0, |host| HOST_START.len() + host.len() + 1);
    // Of the very length, so that the value takes the memory over as it is.
    let mut text = node(context.peer.address, context.peer.text.as_bytes(), host_length + proto.len());
    if let Some(host) = host {
        text.extend_from_slice(HOST_START);
        text.extend_from_slice(host);
        text.push(b'"');
    }
    text.extend_from_slice(proto);
    HeaderValue::try_from(text).ok()
}

/// Whether a host can stand between quotes as it is.
fn quotable(host: &[u8]) -> bool {
    host.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

/// `for=ADDRESS` for an address and its text, with room for what follows; IPv6 is bracketed and quoted.
fn node(address: IpAddr, text: &[u8], room: usize) -> Vec<u8> {
    let (start, end): (&[u8], &[u8]) = if address.is_ipv6() { (b"for=\"[", b"]\"") } else { (b"for=", b"") };
    let mut node = Vec::with_capacity(start.len() + text.len() + end.len() + room);
    node.extend_from_slice(start);
    node.extend_from_slice(text);
    node.extend_from_slice(end);
    node
}
