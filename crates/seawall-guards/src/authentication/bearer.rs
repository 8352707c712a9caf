//! An API key among the fields of a request: in `X-API-Key`, or in `Authorization: Bearer`. It is ours by what it begins with; whatever
//! else stands in these fields is the application's own.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, Entry},
};

use super::cookie::Sent;

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What keys of this installation begin with.
const OURS: &[u8] = b"sw_";

const SCHEME: &[u8] = b"bearer";

/// The key that was sent.
pub(super) fn find(headers: &HeaderMap) -> Sent<'_> {
    let own = headers.get_all(&API_KEY).iter().filter_map(of_own_field);
    let bearer = headers.get_all(AUTHORIZATION).iter().filter_map(of_authorization);
    own.chain(bearer).fold(Sent::Nothing, |sent, value| match sent {
        Sent::Nothing => Sent::Once(value),
        Sent::Once(other) if other == value => sent,
        Sent::Once(_) | Sent::Ambiguous => Sent::Ambiguous,
    })
}

/// Removes every key of ours; other values stay as they are.
pub(super) fn remove(headers: &mut HeaderMap) {
    keep(headers, &API_KEY, |value| of_own_field(value).is_none());
    keep(headers, &AUTHORIZATION, |value| of_authorization(value).is_none());
}

fn keep(headers: &mut HeaderMap, name: &HeaderName, holds: impl Fn(&HeaderValue) -> bool) {
    let Entry::Occupied(field) = headers.entry(name) else { return };
    if field.iter().all(&holds) {
        return;
    }
    let (_, values) = field.remove_entry_mult();
    let kept: Vec<HeaderValue> = values.filter(holds).collect();
    for value in kept {
        headers.append(name, value);
    }
}

fn of_own_field(value: &HeaderValue) -> Option<&[u8]> {
    ours(value.as_bytes())
}

/// The scheme in any case, as RFC 9110 section 11.1 has it.
fn of_authorization(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = value.as_bytes().trim_ascii().split_at_checked(SCHEME.len())?;
    let spaced = rest.first().is_some_and(u8::is_ascii_whitespace);
    if scheme.eq_ignore_ascii_case(SCHEME) && spaced { ours(rest) } else { None }
}

fn ours(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    value.starts_with(OURS).then_some(value)
}
