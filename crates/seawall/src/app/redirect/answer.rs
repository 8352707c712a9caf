//! What a request in clear is answered: where the same page is over https. Pure.

/// Whether a head has come to its end.
pub(super) fn complete(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n")
}

/// The answer to a head. Only what can stand in an address is taken over from it; anything else is a 400.
pub(super) fn to(head: &[u8], port: u16) -> String {
    match complete(head).then(|| location(head, port)).flatten() {
        // 308 keeps the method and the body (RFC 9110 section 15.4.9).
        Some(location) => {
            format!(
                "HTTP/1.1 308 Permanent Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        None => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    }
}

fn location(head: &[u8], port: u16) -> Option<String> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut request = lines.next()?.split(' ');
    let (_method, target, version) = (request.next()?, request.next()?, request.next()?);
    if request.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    let mut hosts = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim_matches([' ', '\t']));
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return None;
    }
    // An address in the request line goes before the field (RFC 9112 section 3.2.2).
    let whole = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).and_then(|_| target.get(7..));
    let (authority, path) = match whole {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        None => (host?, target),
    };
    let host = host_of(authority)?;
    let slash = if path.starts_with('/') {
        ""
    } else if whole.is_some() {
        "/"
    } else {
        return None;
    };
    // A fragment, a backslash or a quote is read differently by different clients, and belongs in no request.
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>');
    if !path.bytes().all(plain) {
        return None;
    }
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    Some(format!("https://{host}{port}{slash}{path}"))
}

/// The host in `HOST`, `HOST:PORT` or `[IPV6]:PORT`, when it is one.
fn host_of(authority: &str) -> Option<&str> {
    let (host, rest) = if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        authority.split_at_checked(end)?
    } else {
        authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?
    };
    let port = rest.is_empty()
        || rest.strip_prefix(':').is_some_and(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()));
    let named = match host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.len() <= 253 && host.bytes().all(known)
        }
    };
    (port && named).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(head: &str) -> Option<String> {
        let answer = to(head.as_bytes(), 8443);
        let location = answer.lines().find_map(|line| line.strip_prefix("Location: ").map(ToOwned::to_owned));
        assert_eq!(location.is_some(), answer.starts_with("HTTP/1.1 308 "), "{answer}");
        assert_eq!(location.is_none(), answer.starts_with("HTTP/1.1 400 "), "{answer}");
        location
    }

    #[test]
    fn the_same_page_is_named_over_https() {
        for (head, location) in [
            ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "https://example.com:8443/"),
            ("POST /a?b=c%20d HTTP/1.1\r\nhost:  Example.com:80\r\n\r\n", "https://Example.com:8443/a?b=c%20d"),
            ("GET //evil.example/ HTTP/1.0\r\nHost: a\r\n\r\n", "https://a:8443//evil.example/"),
            ("GET /x HTTP/1.1\r\nA: b\r\nHost: [2001:db8::1]:80\r\n\r\n", "https://[2001:db8::1]:8443/x"),
            ("GET http://other.example:80/x HTTP/1.1\r\nHost: a\r\n\r\n", "https://other.example:8443/x"),
            ("GET HTTP://other.example?q HTTP/1.1\r\nHost: a\r\n\r\n", "https://other.example:8443/?q"),
        ] {
            assert_eq!(asked(head).as_deref(), Some(location), "{head:?}");
        }
        let usual = to(b"GET / HTTP/1.1\r\nHost: example.com:80\r\n\r\n", 443);
        assert!(usual.contains("\r\nLocation: https://example.com/\r\n"), "{usual}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [example]\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
            "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\\evil HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET evil HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 x\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(asked(head), None, "{head:?}");
        }
    }
}
