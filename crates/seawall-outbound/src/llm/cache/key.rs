//! What two calls have in common that ask the same: where their answer is kept, and under what it is sealed.

use std::{fmt, iter};

use aws_lc_rs::digest::{Context, SHA256};
use http::HeaderMap;
use seawall_core::settings::Secret;

use super::{
    canonical::{Canonical, part},
    settings::{CacheSettings, Scope},
};
use crate::{
    caller::Caller,
    llm::{config::ProviderSettings, operation::Operation, route::Led, target::Question},
};

/// Members of a body by which no answer changes: how it is delivered, and for whom it is made. Whose call it is says the scope.
const NOT_ASKED: [&str; 6] = ["stream", "stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key"];

/// Fields of a call by which no answer changes, and that differ from client to client. All others are part of the key.
const PASSING: [&str; 18] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "idempotency-key",
    "pragma",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-goog-api-client",
    "x-request-id",
];

/// The same, by how they begin: what clients say of themselves, and what is Seawall's.
const PASSING_KINDS: [&str; 3] = ["x-stainless-", "x-seawall-", "sec-"];

/// Where an answer is kept.
pub(crate) type Place = [u8; 32];

/// By what an answer is found and opened. Both are made of all that was asked, and neither tells of the other.
#[derive(Clone)]
pub(crate) struct Key {
    pub(super) place: Place,
    pub(super) seal: [u8; 32],
}

// The seal opens an answer.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key of a call; nothing when no answer may be kept for it.
    pub(super) fn of(question: &Question<'_>, led: &Led, caller: &Caller, settings: &CacheSettings) -> Option<Self> {
        let Question { asked, head, body, .. } = question;
        let streams = streams(question);
        let query = head.uri.query().unwrap_or_default();
        match asked.operation {
            Operation::CountTokens | Operation::Models => return None,
            // Pictures in the making are none that could be given as a whole.
            Operation::Images if streams => return None,
            // A list that grows is neither a stream of events nor an answer.
            Operation::Generate if streams && !query.split('&').any(|pair| pair == "alt=sse") => return None,
            _ => {}
        }
        let body = Canonical::read(body)?;
        // An answer that goes on elsewhere, or that changes a conversation which the provider keeps.
        let lasting =
            body.member("conversation").is_some() || body.member("background") == Some(&Canonical::Flag(true));
        if lasting || by_chance(&body) && !settings.chance {
            return None;
        }
        let mut hash = Context::new(&SHA256);
        hash.update(b"seawall llm answer 1\n");
        part(&mut hash, b"dialect", asked.dialect.word().as_bytes());
        // Whether Gemini's answer is a stream is said by the path, and is no part of what is asked.
        part(&mut hash, b"path", asked.path.replace(":streamGenerateContent", ":generateContent").as_bytes());
        part(&mut hash, b"model", question.model().unwrap_or_default().as_bytes());
        part(&mut hash, b"route", led.route.name().as_bytes());
        // In which order they are asked may be drawn.
        let mut asked_of: Vec<_> = iter::once(&led.first).chain(&led.rest).collect();
        asked_of.sort_unstable_by_key(|target| (&target.provider.name, &target.model));
        for target in asked_of {
            served_by(&mut hash, &target.provider.settings, &target.model);
        }
        scoped(&mut hash, settings.scope, caller);
        fields(&mut hash, &head.headers);
        for pair in query.split('&').filter(|pair| !matches!(pair.split('=').next(), Some("key" | "alt" | ""))) {
            part(&mut hash, b"query", pair.as_bytes());
        }
        body.without(&NOT_ASKED).hash(&mut hash);
        let asked = hash.finish();
        let made = |what: &[u8]| {
            let mut hash = Context::new(&SHA256);
            part(&mut hash, what, asked.as_ref());
            let mut digest = [0; 32];
            digest.copy_from_slice(hash.finish().as_ref());
            digest
        };
        Some(Self { place: made(b"place"), seal: made(b"seal") })
    }
}

/// Who is asked, so that a provider that changes is another one: its name, words, address and key, and what it calls the model. The key
/// also keeps whoever has a copy of the database from trying questions.
fn served_by(hash: &mut Context, provider: &ProviderSettings, model: &str) {
    let key = provider.key.as_ref().map(Secret::expose).unwrap_or_default();
    let address = provider.base.join("/", None).map(|uri| uri.to_string()).unwrap_or_default();
    for text in [&provider.name, provider.dialect.word(), &address, key, model] {
        part(hash, b"provider", text.as_bytes());
    }
}

fn scoped(hash: &mut Context, scope: Scope, caller: &Caller) {
    let user = caller.user.as_deref();
    match (scope, user) {
        (Scope::Everybody, _) => part(hash, b"everybody", b""),
        (Scope::Caller, _) => part(hash, b"caller", caller.key.as_bytes()),
        (Scope::User, user) => {
            part(hash, b"caller", caller.key.as_bytes());
            part(hash, if user.is_some() { b"user" } else { b"nobody" }, user.unwrap_or_default().as_bytes());
        }
    }
}

/// The version of an API, its switches, and whatever else a call says in fields.
fn fields(hash: &mut Context, headers: &HeaderMap) {
    let passing = |name: &str| PASSING.contains(&name) || PASSING_KINDS.iter().any(|kind| name.starts_with(kind));
    let asked = headers.iter().filter(|(name, _)| !passing(name.as_str()));
    let mut fields: Vec<_> = asked.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    fields.sort_unstable();
    for (name, value) in fields {
        part(hash, b"field", name.as_bytes());
        part(hash, b"value", value);
    }
}

/// Whether a call asks for chance. One that names no temperature does not: current models refuse the member, and whoever has answers kept
/// wants the same one again.
fn by_chance(body: &Canonical<'_>) -> bool {
    let configs = ["generationConfig", "generation_config"].into_iter().filter_map(|name| body.member(name));
    let mut temperatures = configs.chain([body]).filter_map(|of| of.member("temperature"));
    temperatures.any(|temperature| !matches!(temperature, Canonical::Number(number) if number == "0"))
}

/// Whether a call wants its answer as a stream.
pub(super) fn streams(question: &Question<'_>) -> bool {
    question.asked.streams || question.sketch.as_ref().is_some_and(|sketch| sketch.streams)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn hashed(hash: impl FnOnce(&mut Context)) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        hash(&mut context);
        context.finish().as_ref().to_vec()
    }

    #[test]
    fn callers_and_users_are_kept_apart_as_the_scope_says() {
        let of = |scope, key: &str, user: Option<&str>| {
            let caller = Caller { key: key.into(), user: user.map(Into::into), may: crate::May::everything() };
            hashed(|hash| scoped(hash, scope, &caller))
        };
        let ann = of(Scope::User, "a", Some("ann"));
        for other in [("a", Some("ben")), ("a", None), ("a", Some("")), ("b", Some("ann")), ("aann", Some(""))] {
            assert_ne!(of(Scope::User, other.0, other.1), ann, "{other:?}");
        }
        assert_ne!(of(Scope::User, "a", None), of(Scope::User, "a", Some("")));
        assert_eq!(of(Scope::Caller, "a", Some("ann")), of(Scope::Caller, "a", None));
        assert_ne!(of(Scope::Caller, "a", None), of(Scope::Caller, "b", None));
        assert_eq!(of(Scope::Everybody, "a", Some("ann")), of(Scope::Everybody, "b", None));
    }

    #[test]
    fn fields_that_an_api_goes_by_count_and_those_of_clients_do_not() {
        let of = |named: &[(&'static str, &'static str)]| {
            let headers =
                named.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            hashed(|hash| fields(hash, &headers.collect()))
        };
        let one = of(&[("anthropic-version", "2023-06-01"), ("x-tenant", "a")]);
        let passing = [
            ("x-tenant", "a"),
            ("user-agent", "x"),
            ("x-stainless-retry-count", "1"),
            ("anthropic-version", "2023-06-01"),
        ];
        assert_eq!(of(&passing), one);
        for other in
            [&[("anthropic-version", "2026-10-21"), ("x-tenant", "a")][..], &[("anthropic-version", "2023-06-01")]]
        {
            assert_ne!(of(other), one);
        }
    }

    #[test]
    fn a_temperature_above_zero_asks_for_chance_wherever_it_stands() {
        let chance = |body: &str| by_chance(&Canonical::read(body.as_bytes()).unwrap());
        for body in [r#"{"temperature":0.1}"#, r#"{"generationConfig":{"temperature":1}}"#, r#"{"temperature":"0"}"#] {
            assert!(chance(body), "{body}");
        }
        for body in ["{}", r#"{"temperature":0.0}"#, r#"{"temperature":null}"#, r#"{"messages":[{"temperature":1}]}"#] {
            assert!(!chance(body), "{body}");
        }
    }
}
