//! Parts of paths, queries and forms between signs.

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
