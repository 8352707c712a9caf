//! Target: the route of a request.
//!
//! Input: lines; the first is a method and a path, the others are route patterns.

use http::Method;
use seawall_core::http::{RoutePattern, Routes, route::Segment};

/// More patterns make a fuzzer slow and find nothing else.
const MOST: usize = 12;

/// Panics when something does not hold for the patterns or the request.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.lines();
    let Some((method, path)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let Ok(method) = method.parse::<Method>() else { return };
    let patterns: Vec<RoutePattern> = lines.take(MOST).filter_map(|line| RoutePattern::parse(line).ok()).collect();
    for pattern in &patterns {
        assert_eq!(RoutePattern::parse(&pattern.to_string()).as_ref(), Ok(pattern), "written and read again");
    }
    let found = Routes::new(&patterns.iter().collect::<Vec<_>>()).find(&method, path);
    assert_eq!(found, plain(&patterns, &method, path), "{method} {path:?} over {patterns:?}");
}

/// The same, found by looking at every pattern: the most specific that fits, from the left; then the one for the method; then the first.
fn plain(patterns: &[RoutePattern], method: &Method, path: &str) -> Option<usize> {
    let segments: Vec<String> = path.strip_prefix('/')?.split('/').map(name).filter(|name| !name.is_empty()).collect();
    let fitting = patterns.iter().enumerate().filter(|(_, pattern)| {
        let of_method = pattern.methods().is_empty() || pattern.methods().contains(method);
        let long =
            segments.len() == pattern.segments().len() || pattern.below() && segments.len() > pattern.segments().len();
        let fits = |(own, segment): (&Segment, &String)| match own {
            Segment::Literal(text) => text == segment,
            Segment::Parameter(_) => true,
        };
        of_method && long && pattern.segments().iter().zip(&segments).all(fits)
    });
    let place = fitting.min_by_key(|(place, pattern)| {
        let kinds = pattern.segments().iter().map(|own| u8::from(matches!(own, Segment::Parameter(_))));
        let end = if pattern.below() { [2] } else { [0] };
        (kinds.chain(end).collect::<Vec<_>>(), pattern.methods().is_empty(), *place)
    });
    place.map(|(place, _)| place)
}

/// A segment as it is meant, without parameters of its own, in small letters.
fn name(segment: &str) -> String {
    let segment = segment.split(';').next().unwrap_or_default();
    let meant = decoded(segment).unwrap_or_else(|| segment.to_owned()).to_ascii_lowercase();
    match meant.split_once(';') {
        Some((name, _)) if !name.is_empty() => name.to_owned(),
        _ => meant,
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
