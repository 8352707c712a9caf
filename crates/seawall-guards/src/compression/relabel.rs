//! An answer's head made true for a body that is compressed.

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY},
};

use super::Coding;
use crate::AnswerHead;

static WITH_CODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");

/// Says that the body is in this coding. For whoever compresses it: the guard alone changes no length and no tag.
pub fn relabel(answer: &mut AnswerHead, coding: Coding) {
    let headers = &mut answer.headers;
    headers.insert(CONTENT_ENCODING, coding.value());
    headers.remove(CONTENT_LENGTH);
    // A part of the compressed answer is no part of the application's.
    headers.remove(ACCEPT_RANGES);
    weaken(headers);
}

/// Makes a strong tag weak: the same content, other bytes (RFC 9110 section 8.8.1).
pub(super) fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/")) else { return };
    let weak = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat());
    if let Ok(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

/// Tells caches that another client may get other bytes.
pub(super) fn vary(headers: &mut HeaderMap) {
    let lines = headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let mut names = lines.flat_map(|line| line.split(',')).map(str::trim);
    if !names.any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding")) {
        headers.append(VARY, WITH_CODING.clone());
    }
}
