//! Answers that lead a browser on, with the cookies of what was done.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION, SET_COOKIE},
};

/// Another page, asked for by GET.
pub(super) fn see_other(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(location).ok().map(|location| (LOCATION, location)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Takes the cookies of one answer over to another.
pub(super) fn move_cookies(from: &Response, to: &mut Response) {
    for cookie in from.headers().get_all(SET_COOKIE) {
        to.headers_mut().append(SET_COOKIE, cookie.clone());
    }
}
