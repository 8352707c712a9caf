//! The problem that a request is refused with, made of its faults.

use std::borrow::Cow;

use http::StatusCode;
use seawall_core::{json::Refusal, problem::Problem};

use super::{Faults, Operation, Place, VALIDATION_FAILED, fault::one};

/// The most faults that the log names.
const MOST_LOGGED: usize = 8;

/// The problem that lists these faults.
pub(super) fn refusal(operation: &Operation, faults: &Faults) -> Box<Problem> {
    let listed = faults.list().iter().take(MOST_LOGGED);
    let broken: Vec<_> = listed.map(|fault| format!("{} ({})", fault.field(), fault.rule)).collect();
    let problem = Problem::new(&VALIDATION_FAILED).inside(format!("{}: {}", operation.name(), broken.join(", ")));
    Box::new(Problem { fields: faults.fields(), ..problem })
}

/// The body is of a media type that the operation does not take.
pub(super) fn other_type(operation: &Operation, names: String) -> Box<Problem> {
    let faults = one(Place::Body, "content", names, "another media type");
    Box::new(refusal(operation, &faults).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The body is in a content coding or in characters that are not undone here.
pub(super) fn encoded(operation: &Operation) -> Box<Problem> {
    let faults = one(Place::Body, "content", "a body in UTF-8 without `Content-Encoding`", "an encoded one");
    Box::new(refusal(operation, &faults).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// There is a body where none is described.
pub(super) fn no_body(operation: &Operation) -> Box<Problem> {
    refusal(operation, &one(Place::Body, "requestBody", "no body", "a body"))
}

/// The body cannot be read as what its media type says.
pub(super) fn unreadable(
    operation: &Operation,
    expected: &'static str,
    found: impl Into<Cow<'static, str>>,
) -> Box<Problem> {
    refusal(operation, &one(Place::Body, "content", expected, found))
}

/// The body is no sound JSON.
pub(super) fn unsound(operation: &Operation, Refusal { fault, at }: Refusal) -> Box<Problem> {
    unreadable(operation, "sound JSON", format!("{fault}, at byte {at}"))
}
