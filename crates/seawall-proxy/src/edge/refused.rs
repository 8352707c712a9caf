//! What is known of a request that was refused before anyone could read it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use seawall_core::http::framing::Refusal;

/// What was refused on a client's connection; nothing after it is read.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Why.
    pub(crate) refusal: Refusal,
    /// What is known of the request, when its head was refused. Nothing when it was a body: its request is known.
    pub(crate) head: Option<Request<()>>,
}

/// The method of a request whose request line is not right.
const UNKNOWN: &[u8] = b"-";

/// Reads what there is of a head: the request line when it is among the first `right` bytes, which are right, and whatever
/// reads as a field. It decides only how the refusal is told and logged.
pub(super) fn known(head: &[u8], right: usize) -> Request<()> {
    let mut request = Request::new(());
    if let Ok(unknown) = Method::from_bytes(UNKNOWN) {
        *request.method_mut() = unknown;
    }
    // Without a path, so that none is logged.
    *request.uri_mut() = Uri::from_static("-");
    let empty_line = |line: &&[u8]| line.is_empty();
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).skip_while(empty_line);
    let first = lines.next();
    let line_is_right = head.get(..right).is_some_and(|right| !right.trim_ascii().is_empty());
    if let Some((method, target)) = first.filter(|_| line_is_right).and_then(request_line) {
        *request.method_mut() = method;
        *request.uri_mut() = target;
    }
    fields(lines.take_while(|line| !line.is_empty()), request.headers_mut());
    request
}

fn request_line(line: &[u8]) -> Option<(Method, Uri)> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (method, target) = (parts.next()?, parts.next()?);
    Some((Method::from_bytes(method).ok()?, Uri::try_from(target).ok()?))
}

fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>, headers: &mut HeaderMap) {
    for line in lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn nothing_is_known_of_a_broken_request_line() {
        let request = known(b"G@T / HTTP/1.1\r\nHost: a\r\n", 0);
        assert_eq!((request.method().as_str(), request.uri().path_and_query()), ("-", None));
        assert_eq!(request.headers()["host"], "a");
    }

    #[test]
    fn of_a_right_request_line_and_a_broken_field_the_rest_is_known() {
        let head =
            b"\r\nHEAD /a?b HTTP/1.1\r\nHost: a\r\nBro ken: 1\r\nAccept:text/html \r\n\r\nGET / HTTP/1.1\r\nX: 1\r\n";
        let request = known(head, 31);
        assert_eq!((request.method().as_str(), request.uri().path()), ("HEAD", "/a"));
        assert_eq!(request.headers()["accept"], "text/html");
        assert_eq!(request.headers().len(), 2);
    }
}
