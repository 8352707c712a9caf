//! What this adds to an operation that a document describes.

use seawall_core::{
    settings::{BadSetting, Values},
    signatures::Component,
};

use super::{
    REFUSED, UNAVAILABLE,
    config::{COMPONENTS, PRESET, Preset, REQUIRE, WHEN_UNAVAILABLE, WhenUnavailable},
};
use crate::additions::{Additions, Operated, Sent, Takes};

/// Fields of a request that is signed, each with what it says.
type Fields = &'static [(&'static str, &'static str)];

const STANDARD_WEBHOOKS: Fields = &[
    ("webhook-id", "The id of the delivery."),
    ("webhook-timestamp", "When it was signed, in seconds since 1970."),
    ("webhook-signature", "Its signatures, `v1,` and base64 each."),
];
const STRIPE: Fields = &[("Stripe-Signature", "When it was signed, and its signatures: `t=…,v1=…`.")];
const GITHUB: Fields = &[("X-Hub-Signature-256", "Its signature: `sha256=` and hexadecimal digits.")];
const MESSAGE: Fields = &[
    ("Signature-Input", "What the signature covers, when it was made, and by which key (RFC 9421)."),
    ("Signature", "The signature (RFC 9421)."),
];
const DIGEST: (&str, &str) = ("Content-Digest", "The digest of the body (RFC 9530), which the signature covers.");

/// What an operation has of it, with these keys.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn additions(
    values: &Values,
    entries: &[(String, Values)],
    operation: &Operated<'_>,
) -> Result<Additions, BadSetting> {
    let names = values.get(&REQUIRE)?;
    let mut keys = entries.iter().filter(|(name, _)| names.contains(name));
    let Some((_, key)) = keys.next() else { return Ok(Additions::default()) };
    let mut added = Additions::of_problems(&[&REFUSED]);
    if values.get(&WHEN_UNAVAILABLE)? == WhenUnavailable::Closed {
        added.refuse(&UNAVAILABLE);
    }
    // The key of a preset stands alone.
    let fields = match key.find(&PRESET)? {
        Some(Preset::StandardWebhooks) => STANDARD_WEBHOOKS,
        Some(Preset::Stripe) => STRIPE,
        Some(Preset::GitHub) => GITHUB,
        None => MESSAGE,
    };
    let digest = Component::Field(http::HeaderName::from_static("content-digest"));
    let covered = fields == MESSAGE && operation.body && values.get(&COMPONENTS)?.contains(&digest);
    let fields = fields.iter().chain(covered.then_some(&DIGEST));
    added.sent.extend(fields.map(|(name, description)| Sent {
        name: (*name).into(),
        // A request whose body is left out has no digest.
        required: *name != DIGEST.0,
        description: (*description).into(),
        takes: Takes::Text,
    }));
    Ok(added)
}
