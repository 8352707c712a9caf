//! The head of a request that is signed by RFC 9421.

use seawall_core::signatures::{Component, Input, Signed, base, digests, inputs};

use super::{
    body::{self, Body},
    key::{Key, Use},
    look::Pending,
    outcome::{Outcome, Refusal},
    rules::Rules,
};
use crate::{Context, Head};

/// Verifies what the head says; what is left is the body.
pub(super) fn check(rules: &Rules, head: &Head, context: &Context) -> Result<Pending, Refusal> {
    let malformed = |detail: String| Refusal::new(Outcome::Malformed, None, sentence(&detail));
    let inputs = inputs(&head.headers).map_err(|fault| malformed(fault.to_string()))?;
    if inputs.is_empty() {
        return Err(Refusal::new(Outcome::Missing, None, "The request has no `Signature-Input`, and so no signature."));
    }
    let (place, input) =
        inputs.into_iter().find_map(|input| Some((place(rules, &input)?, input))).ok_or_else(|| {
            Refusal::new(Outcome::Unknown, None, "The request is signed by no key that this route takes (`keyid`).")
        })?;
    let Some(Key { name, used: Use::Message { algorithm, verifier, .. }, .. }) = rules.keys.get(place) else {
        return Err(Refusal::new(Outcome::Unknown, None, "The key signs webhooks alone."));
    };
    let refuse = |outcome, detail: String| Err(Refusal::new(outcome, Some(place), detail));
    let Input { components, parameters, signature, .. } = &input;
    if input.algorithm.as_ref().is_some_and(|named| named != algorithm.name()) {
        return refuse(Outcome::Malformed, format!("The key `{name}` signs by {}.", algorithm.name()));
    }
    let until = times(rules, &input, place, context)?;
    for asked in &rules.components {
        if !components.iter().any(|covered| covered.covers(asked)) {
            return refuse(Outcome::Incomplete, format!("The signature does not cover {asked}."));
        }
    }
    let signed = Signed { method: &head.method, uri: &head.uri, headers: &head.headers, secure: context.secure };
    let base = match base(components, parameters, signed) {
        Ok(base) => base,
        Err(absent) => return refuse(Outcome::Incomplete, sentence(&absent.to_string())),
    };
    if !verifier.verifies(&base, signature) {
        let why = "The signature does not match the request: something that it covers was changed, or it was made with another key.";
        return refuse(Outcome::Wrong, why.to_owned());
    }
    let mark = body::mark(name, &base);
    let covered =
        components.iter().any(|covered| matches!(covered, Component::Field(name) if name == "content-digest"));
    let body = if covered {
        let digests = match digests(&head.headers) {
            Ok(digests) => digests,
            Err(fault) => {
                return refuse(Outcome::Malformed, format!("The field `Content-Digest` is malformed: {fault}."));
            }
        };
        match Body::digested(mark, digests) {
            Some(body) => body,
            None => return refuse(Outcome::Body, "`Content-Digest` has neither `sha-256` nor `sha-512`.".to_owned()),
        }
    } else {
        Body::Unsigned { mark, must_be_empty: rules.digest }
    };
    Ok(Pending { key: place, until_unix_s: Some(until), body })
}

/// The place of the key that a signature names.
fn place(rules: &Rules, input: &Input) -> Option<usize> {
    let named = input.key_id.as_ref()?;
    rules.keys.iter().position(|key| matches!(&key.used, Use::Message { id, .. } if id == named))
}

/// Until when the signature holds.
fn times(rules: &Rules, input: &Input, place: usize, context: &Context) -> Result<u64, Refusal> {
    let Some(created) = input.created else {
        return Err(Refusal::new(
            Outcome::Incomplete,
            Some(place),
            "The signature does not say when it was made (`created`).",
        ));
    };
    let until = rules.fresh(created, place, context.now)?;
    let Some(expires) = input.expires else { return Ok(until) };
    // A signature without time left is over in the second that it names.
    match u64::try_from(expires) {
        Ok(expires) if expires > context.now.unix_us / 1_000_000 => Ok(until.min(expires)),
        _ => Err(Refusal::new(Outcome::Stale, Some(place), "The signature has expired (`expires`).")),
    }
}

fn sentence(fault: &str) -> String {
    let mut letters = fault.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
