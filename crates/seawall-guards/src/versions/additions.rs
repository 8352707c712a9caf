//! What this adds to an operation that a document describes.

use http::StatusCode;
use seawall_core::settings::{BadSetting, Values};

use super::{
    GONE, Reading, UNKNOWN,
    config::{AFTER_SUNSET, AfterSunset, BELOW, BY, DEFAULT, DEPRECATED, DOCUMENTATION, REQUIRED, SUCCESSOR, SUNSET},
    reading::{Named, in_path},
};
use crate::additions::{Additions, Given, Operated, Sent, Takes};

const DEPRECATION_FIELD: Given = Given {
    name: "Deprecation",
    description: "Since when, or from when on, this version should not be used any more (RFC 9745).",
    only: None,
};
const SUNSET_FIELD: Given = Given { name: "Sunset", description: "When this version may end (RFC 8594).", only: None };
const LINK_FIELD: Given =
    Given { name: "Link", description: "What follows this version, and the page about its end.", only: None };

/// What an operation has of it, with these versions.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn additions(
    values: &Values,
    entries: &[(String, Values)],
    operation: &Operated<'_>,
) -> Result<Additions, BadSetting> {
    let Some(reading) = values.find(&BY)? else { return Ok(Additions::default()) };
    let mut added = Additions::default();
    // With versions in the path, an operation is of one of them, or of none.
    let below = values.get(&BELOW)?;
    let below: Vec<_> = below.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    let own = match (&reading, in_path(operation.path, &below)) {
        (Reading::Path, Named::Segment(segment)) => Some(segment),
        (Reading::Path, _) => Some(&b""[..]),
        _ => None,
    };
    let mut ends = false;
    for (name, version) in entries {
        if own.is_some_and(|own| !own.eq_ignore_ascii_case(name.as_bytes())) {
            continue;
        }
        let (deprecated, sunset) = (version.find(&DEPRECATED)?.is_some(), version.find(&SUNSET)?.is_some());
        let linked = version.find(&SUCCESSOR)?.is_some() || version.find(&DOCUMENTATION)?.is_some();
        for (there, field) in [(deprecated, DEPRECATION_FIELD), (sunset, SUNSET_FIELD), (linked, LINK_FIELD)] {
            if there && !added.given.contains(&field) {
                added.given.push(field);
            }
        }
        ends |= sunset;
    }
    if ends && values.get(&AFTER_SUNSET)? == AfterSunset::Refuse {
        added.refuse(&GONE);
    }
    let unknown = if reading == Reading::Path { StatusCode::NOT_FOUND } else { UNKNOWN.status };
    added.problems.push((unknown, &UNKNOWN));
    if let Reading::Header(name) = &reading {
        let required = values.get(&REQUIRED)? && values.find(&DEFAULT)?.is_none();
        let field = Sent::field(name, required, "The version of the API that the request is for.");
        added.sent.push(field.taking(Takes::OneOf(spellings(entries))));
    }
    Ok(added)
}

/// How requests name them: `v1`, or `1`.
fn spellings(entries: &[(String, Values)]) -> Vec<String> {
    let mut out = Vec::new();
    for (name, _) in entries {
        out.push(name.clone());
        let number =
            name.strip_prefix(['v', 'V']).filter(|number| number.starts_with(|sign: char| sign.is_ascii_digit()));
        out.extend(number.map(str::to_owned));
    }
    out
}
