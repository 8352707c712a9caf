//! What this adds to an operation that a document describes.

use http::{
    Method, StatusCode,
    header::{IF_MATCH as IF_MATCH_FIELD, IF_NONE_MATCH},
};
use seawall_core::settings::{BadSetting, Values};

use super::{
    CURRENT_UNKNOWN, PRECONDITION_FAILED, PRECONDITION_REQUIRED, RESOURCE_BUSY,
    config::{ETAG, Etag, IF_MATCH, IF_MATCH_METHODS, IfMatch, UPSTREAM_TAGS},
};
use crate::additions::{Additions, Given, Operated, Sent, Takes};

/// A list of entity tags, or a star (RFC 9110 section 13.1.1).
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

const TAG: Given = Given {
    name: "ETag",
    description: "The tag of this state, for `If-None-Match` and, when it is strong, `If-Match`.",
    only: Some(StatusCode::OK),
};

/// What an operation has of it.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn additions(values: &Values, operation: &Operated<'_>) -> Result<Additions, BadSetting> {
    let mut added = Additions::default();
    let if_match = values.get(&IF_MATCH)?;
    let methods = values.get(&IF_MATCH_METHODS)?;
    if if_match != IfMatch::Off && methods.iter().any(|method| method.method() == *operation.method) {
        // What is not there yet is made with `If-None-Match: *`, so neither of the two is required by itself.
        let makes = *operation.method == Method::PUT || *operation.method == Method::POST;
        let field = Sent::field(&IF_MATCH_FIELD, !makes, "The `ETag` of what was read, which this request changes.");
        added.sent.push(field.taking(Takes::Pattern(TAGS)));
        if makes {
            let field = Sent::field(&IF_NONE_MATCH, false, "`*`, in place of `If-Match`: there is nothing yet.");
            added.sent.push(field.taking(Takes::OneOf(vec!["*".to_owned()])));
        }
        added.refuse(&PRECONDITION_REQUIRED);
        if if_match == IfMatch::Check {
            [&PRECONDITION_FAILED, &RESOURCE_BUSY, &CURRENT_UNKNOWN].into_iter().for_each(|one| added.refuse(one));
        }
        return Ok(added);
    }
    let makes = values.get(&ETAG)? != Etag::Off;
    if *operation.method == Method::GET && (makes || values.get(&UPSTREAM_TAGS)?) {
        added.sent.push(Sent::field(&IF_NONE_MATCH, false, "The `ETag` of an answer that the caller has."));
        added.answers.push((StatusCode::NOT_MODIFIED, "The caller has this answer already"));
        added.given.extend(makes.then_some(TAG));
    }
    Ok(added)
}
