//! The values of a head.

use http::{HeaderMap, HeaderName, Uri, header::COOKIE};

use super::{
    Filter, Place, Tally,
    form::{name, pair, spaced},
};

/// The path, its segments, and the names and values of the query.
pub(super) fn target(filter: &Filter, uri: &Uri, tally: &mut Tally) {
    let path = uri.path();
    tally.add(filter.field(Place::Path, "", path.as_bytes()));
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        tally.add(filter.field(Place::Path, "", segment.as_bytes()));
    }
    for text in uri.query().unwrap_or_default().split('&').filter(|text| !text.is_empty()) {
        let (key, value) = pair(text.as_bytes());
        for text in [key, value] {
            tally.add(filter.named(Place::Query, || name(key).into(), &spaced(text)));
        }
    }
}

/// The values of cookies.
pub(super) fn cookies(filter: &Filter, headers: &HeaderMap, tally: &mut Tally) {
    for field in headers.get_all(COOKIE) {
        for text in field.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            let (key, value) = pair(text);
            tally.add(filter.named(Place::Cookie, || String::from_utf8_lossy(key), value));
        }
    }
}

/// The header fields that are asked for.
pub(super) fn fields(filter: &Filter, headers: &HeaderMap, watched: &[HeaderName], tally: &mut Tally) {
    for field in watched {
        for value in headers.get_all(field) {
            tally.add(filter.field(Place::Header, field.as_str(), value.as_bytes()));
        }
    }
}
