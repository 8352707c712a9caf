//! What this adds to an operation that a document describes.

use seawall_core::settings::{BadSetting, Values};

use super::{
    FULL, IN_FLIGHT, INVALID, MISSING, NOT_KEPT, REUSED, UNAVAILABLE, UNKNOWN,
    config::{HEADER, METHODS, REQUIRED, WHEN_UNAVAILABLE, WhenUnavailable},
};
use crate::additions::{Additions, Given, Operated, Sent, Takes};

/// What [`seawall_core::idempotency::Key::parse`] takes: a plain word, or a string in quotes (RFC 9651).
const KEY: &str = r#"^([!#-+\--:<-\[\]-~]{1,255}|"([ !#-\[\]-~]|\\["\\]){1,255}")$"#;

/// What an operation has of it.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn additions(values: &Values, operation: &Operated<'_>) -> Result<Additions, BadSetting> {
    if !values.get(&METHODS)?.iter().any(|method| method == operation.method.as_str()) {
        return Ok(Additions::default());
    }
    let required = values.get(&REQUIRED)?;
    let mut added = Additions::of_problems(&[&INVALID, &IN_FLIGHT, &REUSED, &UNKNOWN, &NOT_KEPT, &FULL]);
    if required {
        added.refuse(&MISSING);
    }
    if values.get(&WHEN_UNAVAILABLE)? == WhenUnavailable::Closed {
        added.refuse(&UNAVAILABLE);
    }
    added.sent.push(Sent {
        name: values.get(&HEADER)?.into(),
        required,
        description:
            "A key of the caller's own, such as a UUID: a request that comes again with it is not carried out again."
                .into(),
        takes: Takes::Pattern(KEY),
    });
    added.given.push(Given {
        name: "Idempotent-Replayed",
        description: "`true`: the answer to an earlier request with this key, given again.",
        only: None,
    });
    Ok(added)
}
