//! What an answer's head says about compressing it.

use http::{
    HeaderMap, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, SET_COOKIE,
    },
};

use crate::AnswerHead;

/// Fields that speak of the very bytes of the answer: compressed, they would no longer be true (RFC 9530, RFC 3230, RFC 9421).
static SEALS: [HeaderName; 5] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("signature"),
];

/// Types that shrink and whose names do not show it.
const TEXTS: [&str; 7] = [
    "application/xml",
    "application/yaml",
    "application/toml",
    "application/graphql",
    "application/rtf",
    "application/json-seq",
    "image/bmp",
];

/// What an answer holds, as far as compression cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON, for a program.
    Json,
    /// Scripts, styles, fonts, drawings: the same for everyone.
    Asset,
    /// Pages and other texts.
    Text,
}

/// What the answer holds, when it is a whole one of a type that shrinks, large enough, and free to be changed.
pub(super) fn compressible(answer: &AnswerHead, min_size: u64) -> Option<Content> {
    // 204 and 205 have no body, 206 is a part, and 226 is a difference to something else.
    let whole = answer.status.is_success() && !matches!(answer.status.as_u16(), 204 | 205 | 206 | 226);
    let headers = &answer.headers;
    if !whole || length(headers).is_some_and(|length| length < min_size) {
        return None;
    }
    let content = content(headers)?;
    let kept = headers.contains_key(CONTENT_ENCODING)
        || headers.contains_key(CONTENT_RANGE)
        || SEALS.iter().any(|seal| headers.contains_key(seal))
        || no_transform(headers);
    (!kept).then_some(content)
}

/// Whether the answer sets a cookie.
pub(super) fn sets_cookie(answer: &AnswerHead) -> bool {
    answer.headers.contains_key(SET_COOKIE)
}

/// Whether the answer has a tag that promises every byte to be the same.
pub(super) fn strongly_tagged(answer: &AnswerHead) -> bool {
    answer.headers.get(ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"))
}

/// Whether the answer says that what the client has still holds.
pub(super) fn not_modified(answer: &AnswerHead) -> bool {
    answer.status == StatusCode::NOT_MODIFIED
}

/// A length that cannot be read counts as none.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// RFC 9111 section 5.2.2.6: who passes an answer on must not transform it.
fn no_transform(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

/// What a type holds; nothing when it does not shrink, such as images, archives, and fonts for the web (`font/woff2`).
fn content(headers: &HeaderMap) -> Option<Content> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is = |word: &str| essence.eq_ignore_ascii_case(word);
    let starts = |prefix: &str| essence.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let ends = |suffix: &str| {
        let end = essence.len().checked_sub(suffix.len()).and_then(|at| essence.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    // Events must arrive one by one, and some of their readers take no coding although the browser does.
    if is("text/event-stream") {
        return None;
    }
    let asset =
        ["text/css", "image/svg+xml", "application/wasm", "font/ttf", "font/otf", "application/vnd.ms-fontobject"];
    if asset.into_iter().any(is) || ends("javascript") || ends("ecmascript") {
        return Some(Content::Asset);
    }
    if ends("+json") || (ends("json") || ends("jsonl")) && (starts("application/") || starts("text/")) {
        return Some(Content::Json);
    }
    (starts("text/") || ends("+xml") || TEXTS.into_iter().any(is)).then_some(Content::Text)
}
