//! What this adds to an operation that a document describes.

use seawall_core::{
    cross_site::CROSS_SITE_REFUSED,
    settings::{BadSetting, Values},
};

use super::{
    CONTENT_TYPE_REFUSED, TOKEN_REFUSED,
    config::{CONTENT_TYPES, Proof, REQUIRE, TOKEN_HEADER},
};
use crate::additions::{Additions, Operated, Sent};

/// What an operation has of it.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn additions(values: &Values, operation: &Operated<'_>) -> Result<Additions, BadSetting> {
    if operation.method.is_safe() {
        return Ok(Additions::default());
    }
    let mut added = Additions::of_problems(&[&CROSS_SITE_REFUSED]);
    if operation.body && !values.get(&CONTENT_TYPES)?.is_empty() {
        added.refuse(&CONTENT_TYPE_REFUSED);
    }
    if values.get(&REQUIRE)? == Proof::Token {
        added.refuse(&TOKEN_REFUSED);
        let name = values.get(&TOKEN_HEADER)?.0;
        const WHAT: &str = "The token of the page's session, which `auth/csrf-token` of Seawall gives. Requests with a session's cookie have to bring it.";
        added.sent.push(Sent::field(&name, false, WHAT));
    }
    Ok(added)
}
