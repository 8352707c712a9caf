//! Heads between HTTP/1.1, in which the exchange thinks, and HTTP/2.

use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{CONTENT_LENGTH, HOST},
    uri::{Authority, Scheme},
};
use http_body::Frame;
use seawall_core::http::{framing::Limits, strip_own_fields};

/// Makes a request one of HTTP/2: its `Host` becomes the authority (RFC 9113 section 8.3.1).
///
/// # Errors
/// What is wrong, when its `Host` is no authority; the request is then as it was.
pub(super) fn to_http2<B>(request: &mut Request<B>, scheme: &Scheme) -> Result<(), &'static str> {
    let host = request.headers().get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let uri = host.and_then(|authority| {
        let mut parts = request.uri().clone().into_parts();
        (parts.scheme, parts.authority) = (Some(scheme.clone()), Some(authority));
        Uri::from_parts(parts).ok()
    });
    let uri = uri.ok_or("the request's Host cannot be an authority of HTTP/2")?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(HOST);
    Ok(())
}

/// Undoes [`to_http2`], for a request that was not sent.
pub(super) fn from_http2<B>(mut request: Request<B>) -> Request<B> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    let host = parts.authority.take().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    parts.scheme = None;
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    *request.version_mut() = Version::HTTP_11;
    request
}

/// What an answer must be beside what h2 sees to: no field of a connection, DATA as long as `content-length` says, names in lower
/// case.
pub(super) fn check<B>(answer: &Response<B>) -> Result<(), &'static str> {
    if !(200..600).contains(&answer.status().as_u16()) {
        return Err("its status is none of a final answer");
    }
    let headers = answer.headers();
    if headers.len() > Limits::responses().fields {
        return Err("it has too many fields");
    }
    if headers.values().any(|value| value.as_bytes() != value.as_bytes().trim_ascii()) {
        return Err("a field begins or ends with white space (RFC 9113 section 8.2.1)");
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || length.is_some_and(|length| !number(length)) {
        return Err("its content-length is not one number");
    }
    if answer.status() == StatusCode::NO_CONTENT && length.is_some_and(|length| length != "0") {
        return Err("it has no content and says how long it is");
    }
    Ok(())
}

fn number(value: &HeaderValue) -> bool {
    let digits = value.as_bytes();
    // Twenty digits can be more than 64 bits hold.
    (1..20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// What a sender may not put into trailers: framing, routing and what belongs to the connection (RFC 9110 section 6.5.1).
pub(crate) fn clean_trailers<D>(mut frame: Frame<D>) -> Frame<D> {
    let Some(fields) = frame.trailers_mut() else { return frame };
    for name in ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"] {
        fields.remove(HeaderName::from_static(name));
    }
    fields.remove(CONTENT_LENGTH);
    fields.remove(HOST);
    frame
}

/// What no client may say of itself, in trailers either.
pub(crate) fn without_own_fields<D>(mut frame: Frame<D>) -> Frame<D> {
    if let Some(fields) = frame.trailers_mut() {
        strip_own_fields(fields);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_when_it_comes_back_unsent() {
        for target in ["/a?b=c", "/", "*"] {
            let mut sent = Request::options(target).header(HOST, "a.test:81").header("x-a", "1").body(()).unwrap();
            to_http2(&mut sent, &Scheme::HTTPS).unwrap();
            assert_eq!(sent.uri().authority().unwrap(), "a.test:81", "{target}");
            assert_eq!(
                (sent.uri().scheme(), sent.uri().path()),
                (Some(&Scheme::HTTPS), target.split('?').next().unwrap())
            );
            assert_eq!((sent.version(), sent.headers().get(HOST)), (Version::HTTP_2, None));
            let back = from_http2(sent);
            assert_eq!((back.uri(), back.version()), (&target.parse::<Uri>().unwrap(), Version::HTTP_11));
            assert_eq!(
                (&back.headers()[HOST], &back.headers()["x-a"]),
                (&"a.test:81".parse().unwrap(), &"1".parse().unwrap())
            );
        }
        let mut request = Request::get("/").header(HOST, "a b").body(()).unwrap();
        assert!(to_http2(&mut request, &Scheme::HTTP).is_err());
        assert_eq!(request.headers()[HOST], "a b");
    }

    #[test]
    fn answers_that_can_be_read_in_two_ways_are_refused() {
        let answer = |status: u16, fields: &[(&str, &str)]| {
            let mut answer = Response::builder().status(status);
            for (name, value) in fields {
                answer = answer.header(*name, *value);
            }
            check(&answer.body(()).unwrap())
        };
        assert_eq!(answer(200, &[("content-length", "5"), ("x-a", "b c")]), Ok(()));
        assert_eq!(answer(204, &[("content-length", "0")]), Ok(()));
        for (status, fields) in [
            (101, &[][..]),
            (600, &[]),
            (204, &[("content-length", "5")]),
            (200, &[("content-length", "5"), ("content-length", "5")]),
            (200, &[("content-length", "5, 5")]),
            (200, &[("content-length", "+5")]),
            (200, &[("content-length", "99999999999999999999")]),
            (200, &[("x-a", " b")]),
            (200, &[("x-a", "b\t")]),
            (200, &[("x", "1"); 101]),
        ] {
            assert!(answer(status, fields).is_err(), "{status} {fields:?}");
        }
    }
}
