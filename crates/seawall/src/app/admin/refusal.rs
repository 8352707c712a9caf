//! The problems of the admin interface, and how they are answered.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
};
use seawall_core::problem::ProblemType;
use serde_json::{Map, Value, json};

use super::{gate, reload};
use crate::app::builtin;

/// The problems of the admin interface.
pub static PROBLEMS: [&ProblemType; 5] =
    [&gate::HOST_REFUSED, &gate::UNAUTHORISED, &gate::KEY_PAUSED, &reload::CONFIGURATION_REFUSED, &reload::NO_RELOAD];

/// The answer with a problem, and members of its own.
pub(super) fn of(problem: &'static ProblemType, detail: &str, more: Map<String, Value>) -> Response<Body> {
    let mut body = document(problem, "/problems/", detail);
    if let Some(members) = body.as_object_mut() {
        members.extend(more);
    }
    let mut response = builtin::json(problem.status, &body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
    if problem.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"seawall admin\""));
    }
    response
}

/// What a problem says of itself; the pages behind its types are below `pages`.
pub(in crate::app) fn document(problem: &'static ProblemType, pages: &str, detail: &str) -> Value {
    json!({
        "type": format!("{pages}{}", problem.slug),
        "title": problem.title,
        "status": problem.status.as_u16(),
        "code": problem.code,
        "severity": problem.severity.word(),
        "fault": problem.fault.word(),
        "retryable": problem.retryable,
        "detail": detail,
    })
}
