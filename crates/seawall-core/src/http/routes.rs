//! Which route pattern a request is for, whatever the spelling of its path.

use std::{borrow::Cow, collections::BTreeMap};

use http::Method;

use super::{RoutePattern, path, route::Segment};

/// Patterns by request: the most specific path wins, then a pattern for the method over one for any. From the left, a segment in letters
/// is more specific than a placeholder, and that than a final `*`.
#[derive(Debug, Default)]
pub struct Routes {
    /// For each method that some pattern names, and for all others.
    methods: BTreeMap<String, Tree>,
    others: Tree,
}

impl Routes {
    /// These patterns, which are known by their place. Of two for the same requests the first holds; configuration has refused such.
    #[must_use]
    pub fn new(patterns: &[&RoutePattern]) -> Self {
        let mut methods: BTreeMap<String, Tree> = BTreeMap::new();
        let mut others = Tree::default();
        for method in patterns.iter().flat_map(|pattern| pattern.methods()) {
            methods.entry(method.as_str().to_owned()).or_default();
        }
        // Patterns for a method go in first, so that they hold over those for any at the same path.
        for (place, pattern) in patterns.iter().enumerate() {
            for method in pattern.methods() {
                if let Some(tree) = methods.get_mut(method.as_str()) {
                    tree.insert(pattern, place);
                }
            }
        }
        for (place, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| pattern.methods().is_empty()) {
            methods.values_mut().chain([&mut others]).for_each(|tree| tree.insert(pattern, place));
        }
        Self { methods, others }
    }

    /// The place of the pattern that holds for a request.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<usize> {
        let tree = self.methods.get(method.as_str()).unwrap_or(&self.others);
        // What is no path, such as the `*` of `OPTIONS`, is for none.
        if path.starts_with('/') { tree.find(0, path) } else { None }
    }
}

/// Patterns by their segments. Each place is one of the levels; the first is the root.
#[derive(Debug)]
struct Tree(Vec<Level>);

#[derive(Debug, Default)]
struct Level {
    literals: BTreeMap<String, usize>,
    parameter: Option<usize>,
    /// The pattern that ends here, and the one for everything from here on.
    here: Option<usize>,
    below: Option<usize>,
}

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Level::default()])
    }
}

impl Tree {
    fn insert(&mut self, pattern: &RoutePattern, place: usize) {
        let mut at = 0;
        for segment in pattern.segments() {
            let next = self.0.len();
            let Some(level) = self.0.get_mut(at) else { return };
            at = match segment {
                Segment::Literal(text) => *level.literals.entry(text.clone()).or_insert(next),
                Segment::Parameter(_) => *level.parameter.get_or_insert(next),
            };
            if at == next {
                self.0.push(Level::default());
            }
        }
        let Some(level) = self.0.get_mut(at) else { return };
        let end = if pattern.below() { &mut level.below } else { &mut level.here };
        end.get_or_insert(place);
    }

    /// Goes down, the most specific way first. A level is come by once at most, since there is one way to it.
    fn find(&self, at: usize, path: &str) -> Option<usize> {
        let level = self.0.get(at)?;
        let Some((segment, rest)) = first(path) else { return level.here.or(level.below) };
        let literal = path::find_literal(&level.literals, segment).and_then(|next| self.find(*next, rest));
        let parameter = || level.parameter.and_then(|next| self.find(next, rest));
        literal.or_else(parameter).or(level.below)
    }
}

/// The first segment that is not empty, and what follows it. Some applications cut a segment's parameters off (`/login;x=1`), so they do
/// not tell routes apart.
fn first(path: &str) -> Option<(&str, &str)> {
    let mut rest = path;
    while !rest.is_empty() {
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        let name = segment.split(';').next().unwrap_or_default();
        if !name.is_empty() {
            return Some((name, after));
        }
        rest = after;
    }
    None
}

/// The path as patterns spell it: lower case, single slashes, none at the end. For the targets on the control plane; what
/// is forwarded keeps its spelling.
#[must_use]
pub fn spelled(path: &str) -> Cow<'_, str> {
    if spelled_for_matching(path) { Cow::Borrowed(path) } else { Cow::Owned(respell(path)) }
}

/// Whether a path is spelled as the router's patterns are: no upper case, no parameters, no empty segments, no slash at the end.
fn spelled_for_matching(path: &str) -> bool {
    let bytes = path.as_bytes();
    let plain = !bytes.iter().any(|byte| byte.is_ascii_uppercase() || *byte == b';')
        && !bytes.windows(2).any(|pair| pair == b"//");
    plain && (bytes.len() == 1 || bytes.last() != Some(&b'/'))
}

/// The path as patterns spell it. Only for matching: applications that ignore case, doubled or trailing slashes must not be
/// reached past a route's guards by such a spelling.
fn respell(path: &str) -> String {
    // Some applications cut a segment's parameters off (`/login;x=1`), so they do not tell routes apart.
    let names = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    let segments = names.filter(|segment| !segment.is_empty());
    let respelled: String = segments.flat_map(|segment| ["/".to_owned(), segment.to_ascii_lowercase()]).collect();
    if respelled.is_empty() { "/".to_owned() } else { respelled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], request: &str, expect: Option<&str>) {
        let parsed: Vec<RoutePattern> = patterns.iter().map(|text| RoutePattern::parse(text).unwrap()).collect();
        let routes = Routes::new(&parsed.iter().collect::<Vec<_>>());
        let (method, path) = request.split_once(' ').unwrap();
        let found = routes.find(&method.parse().unwrap(), path).map(|place| patterns[place]);
        assert_eq!(found, expect, "{request} over {patterns:?}");
    }

    #[test]
    fn no_spelling_slips_past_its_route() {
        let patterns = ["POST /v1/users:delete", "/packages/@internal/*", "/café", "/a/{x}"];
        for path in [
            "/v1/users%3Adelete",
            "/v1/users%3adelete",
            "//V1/Users%3ADelete/",
            "/v1/users%3Adelete;x=1",
            "/v1/users:delete%3Bx=1",
        ] {
            check(&patterns, &format!("POST {path}"), Some(patterns[0]));
        }
        check(&patterns, "GET /packages/%40internal/x", Some("/packages/@internal/*"));
        check(&patterns, "GET /caf%C3%A9", Some("/café"));
        check(&patterns, "POST /v1/users%253Adelete", None);
        check(&patterns, "GET /a/%3B", Some("/a/{x}"));
    }

    #[test]
    fn the_most_specific_path_wins_then_the_method() {
        let patterns =
            ["/api/*", "GET /api/users/{id}", "/api/users/me", "POST /api/users/{name}", "/login", "POST /login"];
        check(&patterns, "GET /api/users/7", Some("GET /api/users/{id}"));
        check(&patterns, "PATCH /api/users/7", Some("/api/*"));
        check(&patterns, "GET /api/users/me", Some("/api/users/me"));
        check(&patterns, "POST /login", Some("POST /login"));
        check(&patterns, "GET /login", Some("/login"));
        check(&patterns, "GET /", None);
    }

    #[test]
    fn a_placeholder_beside_a_star_hides_neither() {
        let patterns = ["/{id}", "/*", "/a/{id}/b", "/a/*"];
        check(&patterns, "GET /7", Some("/{id}"));
        check(&patterns, "GET /7/8", Some("/*"));
        check(&patterns, "GET /a/7/b", Some("/a/{id}/b"));
        check(&patterns, "GET /a/7/c", Some("/a/*"));
        check(&patterns, "GET /a", Some("/a/*"));
        check(&["/a/*", "/a"], "GET /a", Some("/a"));
        check(&["/*"], "OPTIONS *", None);
    }
}
