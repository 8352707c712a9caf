//! What an answer's head says about tagging it, sharing it, and not sending it again.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
        ETAG, LAST_MODIFIED, SET_COOKIE, TRAILER, VARY,
    },
};
use seawall_core::http::Tagging;

use crate::{AnswerHead, streaming::streams};

/// Fields of the representation, which an answer without one does not have (RFC 9110 section 15.4.5). `Last-Modified` is among them: the
/// tag says more.
static OF_THE_BODY: [HeaderName; 13] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    LAST_MODIFIED,
    TRAILER,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("content-disposition"),
];

/// A tag in the making of the representation with this head.
#[must_use]
pub fn tagging(headers: &HeaderMap) -> Tagging {
    let fields = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE];
    Tagging::of(fields.map(|name| headers.get(name).map_or(&b""[..], |value| value.as_bytes())))
}

/// Whether one answer may be given to several requests of one caller, or stand for one given before: it sets no cookie, may be kept, does
/// not depend on what nobody can know, and is not read while it comes.
pub(super) fn constant(answer: &AnswerHead) -> bool {
    let headers = &answer.headers;
    !headers.contains_key(SET_COOKIE)
        && !says(headers, &CACHE_CONTROL, "no-store")
        && !says(headers, &VARY, "*")
        && !streams(headers)
}

/// Whether requests that are alike may share this answer: it tells of the resource and not of how one request fared.
#[must_use]
pub fn shareable(answer: &AnswerHead, most_bytes: u64) -> bool {
    let telling = matches!(answer.status.as_u16(), 200 | 203 | 204 | 300 | 301 | 304 | 308 | 404 | 410);
    telling && constant(answer) && fits(&answer.headers, most_bytes)
}

/// Whether the body is not known to be longer.
pub(super) fn fits(headers: &HeaderMap, most_bytes: u64) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_none_or(|length| length <= most_bytes)
}

/// The answer that the client has this one already.
pub(super) fn not_modified(answer: &AnswerHead) -> Response<Bytes> {
    let mut instead = Response::new(Bytes::new());
    *instead.status_mut() = StatusCode::NOT_MODIFIED;
    instead.headers_mut().clone_from(&answer.headers);
    for field in &OF_THE_BODY {
        instead.headers_mut().remove(field);
    }
    instead
}

/// The answer's tag, when it has one that can be read.
pub(super) fn own_tag(answer: &AnswerHead) -> Option<&[u8]> {
    answer.headers.get(ETAG).map(http::HeaderValue::as_bytes)
}

fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|member| member.trim().eq_ignore_ascii_case(word))
}
