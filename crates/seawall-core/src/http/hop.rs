//! Hop-by-hop fields: what belongs to one connection and never travels on (RFC 9110 section 7.6.1).

use http::{
    HeaderMap, HeaderName,
    header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE},
};

/// Whether a field names a connection's own business.
fn of_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Fields that a `Connection` header may not nominate: removing them would change what the message means to the next hop.
const NEVER_NOMINATED: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "authorization",
    "cookie",
    "set-cookie",
    "cache-control",
    "origin",
    // A request with a key may be sent twice, since the application knows it again by the key.
    "idempotency-key",
    // What a proxy writes for the next hop: a client that could have it removed would be taken for the proxy.
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
    "traceparent",
    "tracestate",
];

/// A `Connection` header that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionFault {
    /// The list holds something that is no field name.
    #[error("the Connection header lists something that is not a field name")]
    Malformed,
    /// The list nominates a field that every hop needs.
    #[error("the Connection header nominates a field that must travel on")]
    EndToEnd,
}

/// Removes the hop-by-hop fields and those that `Connection` nominates. `close` and `keep-alive` are options, not fields.
///
/// # Errors
/// [`ConnectionFault`] when the list is malformed or nominates what must travel on; the headers are then unchanged.
pub fn strip(headers: &mut HeaderMap) -> Result<(), ConnectionFault> {
    // Most messages have few of them, so looking at the names that are there is cheaper than asking for each that may be.
    let own: Vec<HeaderName> = headers.keys().filter(|name| of_connection(name)).cloned().collect();
    if own.contains(&CONNECTION) {
        for name in &nominated(headers)? {
            headers.remove(name);
        }
    }
    for name in &own {
        headers.remove(name);
    }
    Ok(())
}

/// Removes what `Connection` nominates, and leaves the hop-by-hop fields that have a name of their own: for whoever looks at a message that
/// is about to be passed on, and must not see what does not go on.
///
/// # Errors
/// As [`strip`].
pub fn strip_nominated(headers: &mut HeaderMap) -> Result<(), ConnectionFault> {
    if headers.contains_key(CONNECTION) {
        for name in &nominated(headers)? {
            headers.remove(name);
        }
    }
    Ok(())
}

/// Whether the message's transfer coding is one that is undone here: none, or `chunked` alone. Any other would be passed on as
/// if it were the plain body, because the field that names it stays here.
#[must_use]
pub fn plain_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(only), None) => only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// The protocol that both `Connection: upgrade` and `Upgrade` ask for, as it was written.
#[must_use]
pub fn upgrade(headers: &HeaderMap) -> Option<http::HeaderValue> {
    let asked = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(UPGRADE).cloned() } else { None }
}

/// Whether whoever sent the message takes trailers after the answer's body (RFC 9110 section 10.1.4).
#[must_use]
pub fn takes_trailers(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(TE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    codings.into_iter().any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

fn nominated(headers: &HeaderMap) -> Result<Vec<HeaderName>, ConnectionFault> {
    let mut names = Vec::new();
    for line in headers.get_all(CONNECTION) {
        for option in
            line.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty())
        {
            if [&b"close"[..], b"keep-alive", b"upgrade", b"te"].iter().any(|known| option.eq_ignore_ascii_case(known))
            {
                continue;
            }
            let name = HeaderName::from_bytes(option).map_err(|_| ConnectionFault::Malformed)?;
            if NEVER_NOMINATED.contains(&name.as_str()) || super::own_field(&name) {
                return Err(ConnectionFault::EndToEnd);
            }
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_nominated_goes_before_the_fields_of_the_connection_do() {
        let mut map =
            headers(&[("connection", "upgrade, X-Foo"), ("upgrade", "websocket"), ("x-foo", "1"), ("x-bar", "2")]);
        strip_nominated(&mut map).unwrap();
        assert_eq!(map, headers(&[("connection", "upgrade, X-Foo"), ("upgrade", "websocket"), ("x-bar", "2")]));
        let mut map = headers(&[("connection", "idempotency-key"), ("idempotency-key", "k")]);
        assert_eq!(strip_nominated(&mut map), Err(ConnectionFault::EndToEnd));
    }

    #[test]
    fn connection_fields_and_nominated_fields_stay_here() {
        let mut map = headers(&[
            ("connection", "close, X-Foo"),
            ("x-foo", "1"),
            ("x-bar", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("proxy-authorization", "x"),
            ("upgrade", "h2c"),
        ]);
        strip(&mut map).unwrap();
        assert_eq!(map, headers(&[("x-bar", "2")]));
    }

    #[test]
    fn malformed_and_hostile_lists_are_refused() {
        for (line, fault) in [
            ("x foo", ConnectionFault::Malformed),
            ("close, \"x\"", ConnectionFault::Malformed),
            ("Authorization", ConnectionFault::EndToEnd),
            ("x, Content-Length", ConnectionFault::EndToEnd),
            ("close, X-Forwarded-For", ConnectionFault::EndToEnd),
            ("close, X-Seawall-User", ConnectionFault::EndToEnd),
            ("X_Seawall-Roles", ConnectionFault::EndToEnd),
        ] {
            let mut map = headers(&[("connection", line), ("authorization", "y")]);
            assert_eq!(strip(&mut map), Err(fault), "{line}");
            assert_eq!(map.len(), 2);
        }
    }

    #[test]
    fn trailers_are_taken_by_whoever_says_so() {
        for (line, takes) in [("trailers", true), ("gzip;q=0.5, Trailers", true), ("gzip", false), ("", false)] {
            assert_eq!(takes_trailers(&headers(&[("te", line)])), takes, "{line}");
        }
        assert!(!takes_trailers(&headers(&[])));
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        assert_eq!(
            upgrade(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")])),
            Some(HeaderValue::from_static("websocket"))
        );
        assert_eq!(upgrade(&headers(&[("connection", "keep-alive"), ("upgrade", "websocket")])), None);
        assert_eq!(upgrade(&headers(&[("connection", "upgrade")])), None);
    }
}
