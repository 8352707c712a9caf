//! Percent-encoding (RFC 3986), and the `+` of forms.

use std::borrow::Cow;

/// What stands before a sign, which is ASCII, and what stands behind it, when it is there. Texts are short, and this is cheaper for them than a
/// search that is prepared.
pub(super) fn cut(text: &str, sign: u8) -> (&str, Option<&str>) {
    let place = text.bytes().position(|byte| byte == sign);
    match place.and_then(|place| Some((text.get(..place)?, text.get(place + 1..)?))) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The parts of a text between signs.
pub(super) fn split(text: &str, sign: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (before, after) = cut(rest?, sign);
        rest = after;
        Some(before)
    })
}

/// The text that is meant; nothing when it is broken or not UTF-8. Borrowed when nothing is encoded.
#[inline]
pub(super) fn decoded(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    let special = |byte: &u8| *byte == b'%' || (plus_is_space && *byte == b'+');
    if text.as_bytes().iter().any(special) { decode(text, plus_is_space).map(Cow::Owned) } else { Some(text.into()) }
}

#[cold]
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}
