//! Pairs of names and values as queries and forms have them.

use std::borrow::Cow;

/// Splits a pair at its first `=`.
pub(super) fn pair(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (name, value) = text.split_at(at);
    (name, value.get(1..).unwrap_or_default())
}

/// A value with its spaces, which forms write as `+`. Percent-encoding is undone by who scores it.
pub(super) fn spaced(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'+') {
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>().into()
    } else {
        text.into()
    }
}

/// A name as it is compared with what is allowed: decoded once.
pub(super) fn name(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if let Some(decoded) = decoded {
            out.push(decoded);
            after.get(2..).unwrap_or_default()
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
            after
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}
