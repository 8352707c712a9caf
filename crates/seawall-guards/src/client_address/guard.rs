//! Finding the client and telling the application.

use std::{fmt::Write, net::IpAddr};

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

/// Other spellings of who the client is or what it asked for that some applications believe; a stranger's are removed, and so
/// is whatever else begins with `x-forwarded`.
const OTHERS: &[&str] = &[
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-url",
    "x-rewrite-url",
    "x-url-scheme",
    "x-proxyuser-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded-for",
    "front-end-https",
    "proxy",
];

fn forged(name: &HeaderName) -> bool {
    let ours = [&FOR, &PROTO, &HOST_SENT].contains(&name);
    (name.as_str().starts_with("x-forwarded") && !ours) || OTHERS.contains(&name.as_str())
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
            if headers.contains_key(&FOR) || headers.contains_key(FORWARDED) {
                self.untrusted.increment();
            }
            replace(headers, context);
        }
        Verdict::Pass
    }
}

/// What we say of a peer that is the client.
fn replace(headers: &mut HeaderMap, context: &Context) {
    // Ordinary requests have none of them; looking once at the names that are there is cheaper than asking for each.
    while let Some(name) = headers.keys().find(|name| forged(name)).cloned() {
        headers.remove(name);
    }
    let host = headers.get(HOST).cloned();
    if let Some(element) = element(context, host.as_ref()) {
        headers.insert(FORWARDED, element);
    } else {
        headers.remove(FORWARDED);
    }
    headers.insert(&FOR, context.peer.text.clone());
    headers.insert(&PROTO, scheme(context.secure));
    match host {
        Some(host) => headers.insert(&HOST_SENT, host),
        None => headers.remove(&HOST_SENT),
    };
}

/// What we add to what trusted proxies said; the header that they do not write begins anew with the client they named.
fn extend(headers: &mut HeaderMap, context: &Context, source: Source) {
    match source {
        Source::XForwardedFor => {
            headers.remove(FORWARDED);
            append(headers, &FORWARDED, node(context.client).as_bytes());
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

/// One element of `Forwarded` (RFC 7239): IPv6 addresses and hosts are quoted.
fn element(context: &Context, host: Option<&HeaderValue>) -> Option<HeaderValue> {
    let mut text = node(context.peer.address);
    if let Some(host) = host.and_then(|host| host.to_str().ok()).filter(|host| !host.contains(['"', '\\'])) {
        let _ = write!(text, ";host=\"{host}\"");
    }
    text.push_str(if context.peer.secure { ";proto=https" } else { ";proto=http" });
    HeaderValue::try_from(text).ok()
}

/// `for=ADDRESS`; IPv6 is bracketed and quoted.
fn node(address: IpAddr) -> String {
    let mut text = String::with_capacity(80);
    let _infallible =
        if address.is_ipv6() { write!(text, "for=\"[{address}]\"") } else { write!(text, "for={address}") };
    text
}
