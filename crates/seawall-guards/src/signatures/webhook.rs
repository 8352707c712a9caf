//! The head of a webhook: what stands in its fields, and what is signed before the body.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;

use super::{
    body::Body,
    config::Preset,
    key::Key,
    look::Pending,
    outcome::{Outcome, Refusal},
    rules::Rules,
};
use crate::{Context, Head};

/// The most signatures of one request: one for each secret of whoever sends it.
const MOST: usize = 8;

/// Reads what the fields say; whether it holds is known when the body was read.
pub(super) fn check(
    rules: &Rules,
    key: &Key,
    preset: Preset,
    secrets: &[hmac::Key],
    (head, context): (&Head, &Context),
) -> Result<Pending, Refusal> {
    let said = match preset {
        Preset::StandardWebhooks => standard(&head.headers),
        Preset::Stripe => stripe(&head.headers),
        Preset::GitHub => github(&head.headers),
    };
    let Said { created, before, given } = said.map_err(|(outcome, detail)| Refusal::new(outcome, Some(0), detail))?;
    if given.is_empty() || given.len() > MOST {
        let detail =
            format!("The request has {} signatures of the kind that is taken; 1 to {MOST} can be.", given.len());
        return Err(Refusal::new(Outcome::Malformed, Some(0), detail));
    }
    let until_unix_s = created.map(|created| rules.fresh(created, 0, context.now)).transpose()?;
    Ok(Pending { key: 0, until_unix_s, body: Body::signed(&key.name, before.as_bytes(), secrets, given) })
}

/// What the fields say.
struct Said {
    created: Option<i64>,
    before: String,
    given: Vec<Vec<u8>>,
}

type Fault = (Outcome, String);

/// Standard Webhooks: `id.timestamp.body`, one or several `v1,BASE64` separated by spaces.
fn standard(headers: &HeaderMap) -> Result<Said, Fault> {
    let (id, at) = (once(headers, "webhook-id")?, once(headers, "webhook-timestamp")?);
    let signatures = once(headers, "webhook-signature")?.split(' ');
    let given = signatures.filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok());
    Ok(Said { created: Some(seconds(at)?), before: format!("{id}.{at}."), given: given.collect() })
}

/// Stripe: `t.body`, in `t=TIME,v1=HEX,v1=HEX`.
fn stripe(headers: &HeaderMap) -> Result<Said, Fault> {
    let mut times = Vec::new();
    let mut given = Vec::new();
    for part in once(headers, "stripe-signature")?.split(',') {
        match part.trim().split_once('=') {
            Some(("t", at)) => times.push(at),
            Some(("v1", signature)) => given.extend(hex(signature)),
            _ => {}
        }
    }
    let [at] = times[..] else {
        return Err((Outcome::Malformed, "The field `stripe-signature` has not exactly one time (`t`).".to_owned()));
    };
    Ok(Said { created: Some(seconds(at)?), before: format!("{at}."), given })
}

/// GitHub: the body, in `sha256=HEX`.
fn github(headers: &HeaderMap) -> Result<Said, Fault> {
    let signature = once(headers, "x-hub-signature-256")?;
    let given = signature.strip_prefix("sha256=").and_then(hex);
    Ok(Said { created: None, before: String::new(), given: given.into_iter().collect() })
}

/// The only value of a field.
fn once<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Fault> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(http::HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) => Ok(value.trim()),
        (None, _) => Err((Outcome::Missing, format!("The request has no field `{name}`."))),
        (Some(_), _) => Err((Outcome::Malformed, format!("The field `{name}` came twice, or is not ASCII."))),
    }
}

fn seconds(text: &str) -> Result<i64, Fault> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| (Outcome::Malformed, "The time of the signature is not a number of seconds.".to_owned()))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 64 || !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.last()?)?)).collect()
}
