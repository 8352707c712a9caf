//! Fields of a call and of its answer: the provider's key, and what stays here.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, SET_COOKIE, TRAILER},
    response,
};
use seawall_core::{http::hop, problem::Problem};

use super::{config::ProviderSettings, operation::Dialect};
use crate::problem::FAILED;

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
static GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What Anthropic is told whose caller says nothing.
static OLDEST_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The longest name of a project or a conversation, in bytes.
pub(super) const LONGEST_NAME: usize = 200;

/// Adds the provider's key, where it wants it.
pub(super) fn signed(headers: &mut HeaderMap, provider: &ProviderSettings) -> Result<(), Box<Problem>> {
    if provider.dialect == Dialect::Anthropic && !headers.contains_key(&ANTHROPIC_VERSION) {
        headers.insert(&ANTHROPIC_VERSION, OLDEST_VERSION.clone());
    }
    let Some(key) = &provider.key else { return Ok(()) };
    let (name, text) = match provider.dialect {
        Dialect::OpenAi => (&AUTHORIZATION, format!("Bearer {}", key.expose())),
        Dialect::Anthropic => (&API_KEY, key.expose().to_owned()),
        Dialect::Gemini => (&GOOGLE_KEY, key.expose().to_owned()),
    };
    let unsendable = |_| Problem::new(&FAILED).inside("the provider's key holds a character that no field may have");
    let mut value = HeaderValue::try_from(text).map_err(unsendable)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// A query without the key that Gemini's clients write there: it is the application's.
pub(super) fn without_key(query: &str) -> String {
    let other = |pair: &&str| pair.split('=').next() != Some("key");
    query.split('&').filter(other).collect::<Vec<_>>().join("&")
}

/// Takes out of an answer what is between Seawall and the provider.
pub(super) fn cleaned(head: &mut response::Parts) -> Result<(), Box<Problem>> {
    hop::strip(&mut head.headers).map_err(|fault| Problem::new(&FAILED).inside(fault.to_string()))?;
    for field in [&TRAILER, &SET_COOKIE] {
        head.headers.remove(field);
    }
    Ok(())
}

/// The name of a project or a conversation, as the application writes it.
pub(super) fn named(headers: &mut HeaderMap, field: &HeaderName) -> Option<String> {
    let text = String::from_utf8_lossy(headers.remove(field)?.as_bytes()).into_owned();
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST_NAME).last()?;
    text.get(..end).map(str::to_owned)
}
