//! Section `[signatures]`, and `[signatures.NAME]` for each key.

use std::sync::Arc;

use seawall_core::{
    settings::{
        Complaint, Field, FieldSpec, Literal, Raw, Secret, Section, Setting, Shape, Situation, Span, Values, choice,
    },
    signatures::Component,
};

use super::{REFUSED, SIGNATURES, SignaturesGuard, UNAVAILABLE, algorithm::Algorithm, key::Use};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// Whose way of signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    StandardWebhooks,
    Stripe,
    GitHub,
}

impl Setting for Preset {
    const SHAPE: Shape = Shape::Choice(&["standard-webhooks", "stripe", "github"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(
            raw,
            &[("standard-webhooks", Self::StandardWebhooks), ("stripe", Self::Stripe), ("github", Self::GitHub)],
        )
    }
}

/// What becomes of a signed request when nobody can say whether it came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnavailable {
    /// It is refused.
    Closed,
    /// What this process remembers is enough.
    Local,
}

impl Setting for WhenUnavailable {
    const SHAPE: Shape = Shape::Choice(&["closed", "local"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("closed", Self::Closed), ("local", Self::Local)])
    }
}

/// A public key; like a secret, it can be kept in a file of its own.
#[derive(Debug)]
pub(super) struct PublicKey(Secret);

impl PublicKey {
    pub(super) fn text(&self) -> &str {
        self.0.expose()
    }
}

impl Setting for PublicKey {
    const SHAPE: Shape = Shape::Secret;

    fn read(raw: &Raw) -> Result<Self, String> {
        Secret::read(raw).map(Self)
    }
}

pub(super) const REQUIRE: Field<Vec<String>> = Field::new(
    "require",
    Literal::Texts(&[]),
    "The keys of which one must have signed a request, by the names of their tables: `signatures.require = \"partner\"` on a route. Empty, no signature is asked for. Several keys are possible when all sign by RFC 9421; a key of a `preset` stands alone.",
);
pub(super) const COMPONENTS: Field<Vec<Component>> = Field::new(
    "components",
    Literal::Texts(&["@method", "@path", "@query", "content-digest"]),
    "What a signature by RFC 9421 must cover at least: `@method`, `@path`, `@query`, `@authority`, `@scheme`, `@target-uri`, `@request-target`, and header fields in small letters. `content-digest` is asked for when there is a body. Presets cover the body and nothing else.",
);
pub(super) const WINDOW: Field<Span> = Field::new(
    "window",
    Literal::Text("5min"),
    "How long after it was made a signature is taken, and for how long one that was taken is remembered, so that it is taken once. A clock may be ahead by a minute.",
)
.between("1s", "1day");
pub(super) const WHEN_UNAVAILABLE: Field<WhenUnavailable> = Field::new(
    "when_unavailable",
    Literal::Text("closed"),
    "With counters that several nodes share (`[store]`), what happens to a signed request while they do not answer: `closed` refuses it with 503, `local` takes it when this node has not seen it.",
);

pub(super) const PRESET: Field<Preset> = Field::new(
    "preset",
    Literal::Unset,
    "Whose webhooks are signed with the key: `standard-webhooks` (`webhook-id`, `webhook-timestamp`, `webhook-signature`), `stripe` (`Stripe-Signature`) or `github` (`X-Hub-Signature-256`, which has no time, so that a delivery can come again). Unset, requests are signed by RFC 9421.",
);
pub(super) const ALGORITHM: Field<Algorithm> = Field::new(
    "algorithm",
    Literal::Unset,
    "How requests are signed by RFC 9421. A request that names another one is refused.",
);
pub(super) const KEY_ID: Field<String> = Field::new(
    "key_id",
    Literal::Unset,
    "What a signature calls the key in `keyid`; unset, it is the name of the table.",
);
pub(super) const SECRET: Field<Secret> = Field::new(
    "secret",
    Literal::Unset,
    "The secret of `hmac-sha256` or of a preset, at least 16 bytes; up to four separated by spaces or lines, of which each holds, while one takes the place of another. One that begins with `base64:` is decoded; those of `standard-webhooks` always are, after `whsec_`.",
);
pub(super) const PUBLIC_KEY: Field<PublicKey> = Field::new(
    "public_key",
    Literal::Unset,
    "The public key of the other algorithms, as PEM, or its DER form (for `ed25519` also its 32 bytes) in base64. RSA keys have 2048 to 8192 bits.",
);

const KEY: &[FieldSpec] = &[PRESET.spec(), ALGORITHM.spec(), KEY_ID.spec(), SECRET.spec(), PUBLIC_KEY.spec()];

/// The section.
pub const SECTION: Section = Section::new(
    "signatures",
    "Requests that must be signed, each key in a table such as `[signatures.partner]`.",
    &[MODE.spec(), REQUIRE.spec(), COMPONENTS.spec(), WINDOW.spec(), WHEN_UNAVAILABLE.spec()],
)
.per_route()
.with_entries(KEY)
.with_entry_demands(entry_demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "signatures",
    summary: "Refuses requests that no key of the route has signed, that are too old, or that come again.",
    section: &SECTION,
    problems: &[&REFUSED, &UNAVAILABLE],
    metrics: &[&SIGNATURES],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path {
            return Ok(None);
        }
        let guard = SignaturesGuard::read(build.values, &build.other.entries(SECTION.name), build.shared)?;
        Ok(guard.map(|guard| Arc::new(guard) as _))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

fn entry_demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        complaints.push(Complaint {
            key: None,
            what: format!("\"{}\" cannot name a key", name.escape_debug()),
            help: "write at most 64 letters, digits, `-`, `_` and `.`, such as \"partner\"".to_owned(),
        });
    }
    if let Err(wrong) = Use::read(name, values) {
        complaints.push(Complaint { key: Some(wrong.key), what: wrong.what, help: wrong.help.to_owned() });
    }
    complaints
}
