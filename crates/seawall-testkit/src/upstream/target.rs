//! The request target as a path in segments and a query, percent-decoded.

/// A target taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    segments: Vec<String>,
    /// Names and values in order.
    pub(super) query: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Target {
    /// Understands origin form and absolute form; `*` and anything else has no segments that match.
    pub(super) fn parse(target: &str) -> Self {
        let after_authority = target
            .split_once("://")
            .filter(|(scheme, _)| !scheme.contains('/'))
            .map(|(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        let path_and_query = after_authority.unwrap_or_else(|| target.strip_prefix('/').unwrap_or(target));
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let segments = path.split('/').map(|segment| String::from_utf8_lossy(&decode(segment)).into_owned()).collect();
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { segments, query }
    }

    /// The segments of the path: `/status/200` has two.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// Replaces `%41` and its like; anything that is not two hexadecimal digits stays, and so does `+`.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart() {
        let target = Target::parse("/headers?Connection=X-Foo&Set-Cookie=a%3D1&Set-Cookie=b%zz+&Flag");
        assert_eq!(target.segments(), ["headers"]);
        let query: Vec<_> = target
            .query
            .iter()
            .map(|(name, value)| (String::from_utf8_lossy(name), String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(
            query,
            [
                ("Connection".into(), "X-Foo".into()),
                ("Set-Cookie".into(), "a=1".into()),
                ("Set-Cookie".into(), "b%zz+".into()),
                ("Flag".into(), "".into())
            ]
        );
    }

    #[test]
    fn absolute_form_loses_its_authority() {
        assert_eq!(Target::parse("http://example.com:80/bytes/5?x=http://y").segments(), ["bytes", "5"]);
        assert_eq!(Target::parse("http://example.com").segments(), [""]);
        assert_eq!(Target::parse("/a?to=http://example.com/b").segments(), ["a"]);
        assert_eq!(Target::parse("*").segments(), ["*"]);
    }
}
