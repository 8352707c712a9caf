//! One cookie among those of a request: found without copying, removed without touching the others.

use http::{HeaderMap, HeaderValue, header::COOKIE};

/// What the fields say of one cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent<'a> {
    /// It was not sent.
    Nothing,
    /// It was sent once.
    Once(&'a [u8]),
    /// It was sent with several values, so that a server that reads the first and one that reads the last would disagree.
    Ambiguous,
}

/// The cookie of this name. Names are compared whole and with their case (RFC 6265 section 5.4).
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Sent<'a> {
    let mut sent = Sent::Nothing;
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| pairs(line.as_bytes()));
    for value in pairs.filter_map(|pair| value_of(pair, name)) {
        sent = match sent {
            Sent::Nothing => Sent::Once(value),
            Sent::Once(other) if other == value => sent,
            Sent::Once(_) | Sent::Ambiguous => Sent::Ambiguous,
        };
    }
    sent
}

/// Whether there is a cookie whose name begins with this one and a hyphen.
pub(super) fn any_beside(headers: &HeaderMap, name: &str) -> bool {
    let mut pairs = headers.get_all(COOKIE).iter().flat_map(|line| pairs(line.as_bytes()));
    pairs.any(|pair| pair.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'-')))
}

/// Removes the cookie of this name, however often it was sent; the others stay as they are.
pub(super) fn remove(headers: &mut HeaderMap, name: &str) {
    let kept: Vec<HeaderValue> = headers.get_all(COOKIE).iter().filter_map(|line| without(line, name)).collect();
    headers.remove(COOKIE);
    for line in kept {
        headers.append(COOKIE, line);
    }
}

/// A line without the cookie; nothing when no other is in it.
fn without(line: &HeaderValue, name: &str) -> Option<HeaderValue> {
    let others = || pairs(line.as_bytes()).filter(|pair| value_of(pair, name).is_none());
    if others().count() == pairs(line.as_bytes()).count() {
        return Some(line.clone());
    }
    let joined = others().collect::<Vec<_>>().join(&b"; "[..]);
    // Parts of a value are a value.
    if joined.is_empty() { None } else { HeaderValue::from_bytes(&joined).ok() }
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b';').map(<[u8]>::trim_ascii)
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let at = pair.iter().position(|&byte| byte == b'=')?;
    let (own, value) = pair.split_at_checked(at)?;
    (own.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii())
}
