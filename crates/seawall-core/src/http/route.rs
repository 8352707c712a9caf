//! Route patterns: `"POST /login"`, `"GET /users/{id}"`, `"/api/*"`.

use std::fmt;

use http::Method;

use super::path;
use crate::settings::{Raw, Setting, Shape};

/// Methods and a path pattern. `{name}` stands for one segment, a final `*` for everything below, the path itself
/// included. Literals match without regard to case, and a trailing slash makes no difference, because applications
/// differ there and no spelling may slip past a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    methods: Vec<Method>,
    segments: Vec<Segment>,
    below: bool,
    text: String,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// These characters, lower case.
    Literal(String),
    /// Any one segment.
    Parameter(String),
}

impl RoutePattern {
    /// Reads a pattern: methods divided by `|` (none, or `*`, means any), a space, and a path.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (methods, path) = match text.trim().split_once(' ') {
            Some((methods, path)) => (parse_methods(methods)?, path.trim()),
            None => (Vec::new(), text.trim()),
        };
        let Some(inside) = path.strip_prefix('/') else {
            return Err(format!(
                "\"{text}\" is not a route; write a method and a path, such as \"POST /login\", or a path alone"
            ));
        };
        if path.contains(['?', '#', '%', ';', ' ']) {
            return Err(format!(
                "\"{path}\" must be a plain path without query, fragment, parameters behind \";\" or percent-encoding"
            ));
        }
        let mut segments = Vec::new();
        let mut below = false;
        for part in inside.split('/').filter(|part| !part.is_empty()) {
            if below {
                return Err(format!("\"*\" must be the last segment of \"{path}\""));
            }
            match part {
                "*" => below = true,
                _ => segments.push(parse_segment(part, path)?),
            }
        }
        let text = if methods.is_empty() { path.to_owned() } else { format!("{} {path}", join(&methods)) };
        Ok(Self { methods, segments, below, text })
    }

    /// The methods it holds for; empty means any. `GET` brings `HEAD` with it.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The segments before a final `*`.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it ends in `*`.
    #[must_use]
    pub const fn below(&self) -> bool {
        self.below
    }

    /// Whether it is one path for any method: no placeholder, no `*`, and not the root alone.
    #[must_use]
    pub fn plain(&self) -> bool {
        let literal = |segment: &Segment| matches!(segment, Segment::Literal(_));
        self.methods.is_empty() && !self.below && !self.segments.is_empty() && self.segments.iter().all(literal)
    }

    /// The path part as it was written: the name of the route in logs and metrics.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.rsplit(' ').next().unwrap_or_default()
    }

    /// Whether a request is one of those it is for. The path is in its normal form ([`super::path::normalise`]).
    #[must_use]
    pub fn covers(&self, method: &Method, path: &str) -> bool {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let fits = |segment: &Segment| match (segment, parts.next()) {
            (Segment::Literal(literal), Some(part)) => path::is_literal(literal, part),
            (Segment::Parameter(_), part) => part.is_some(),
            (Segment::Literal(_), None) => false,
        };
        let path_fits = self.segments.iter().all(fits) && (self.below || parts.next().is_none());
        path_fits && (self.methods.is_empty() || self.methods.contains(method))
    }

    /// Whether two patterns are for the very same requests, wholly or for some method, so that one would hide the other.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        let same_segment = |pair: (&Segment, &Segment)| match pair {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            (Segment::Parameter(_), Segment::Parameter(_)) => true,
            (Segment::Literal(_), Segment::Parameter(_)) | (Segment::Parameter(_), Segment::Literal(_)) => false,
        };
        let same_path = self.below == other.below
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(same_segment);
        let same_method = (self.methods.is_empty() && other.methods.is_empty())
            || self.methods.iter().any(|method| other.methods.contains(method));
        same_path && same_method
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Setting for RoutePattern {
    const SHAPE: Shape = Shape::Text("route", "POST /login");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a route as text, such as \"POST /login\", found {}", other.kind())),
        }
    }
}

fn parse_methods(text: &str) -> Result<Vec<Method>, String> {
    const KNOWN: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    if text == "*" {
        return Ok(Vec::new());
    }
    let mut methods: Vec<Method> = Vec::new();
    for word in text.split('|').map(str::trim) {
        if !KNOWN.contains(&word) {
            let upper = word.to_ascii_uppercase();
            let hint = if KNOWN.contains(&upper.as_str()) {
                format!("; write {upper}")
            } else {
                format!("; known are {}", KNOWN.join(", "))
            };
            return Err(format!("\"{word}\" is not a method{hint}"));
        }
        let method = Method::from_bytes(word.as_bytes()).map_err(|_| format!("\"{word}\" is not a method"))?;
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    // Always in the same place, so that a route is equal to itself written and read again.
    if methods.contains(&Method::GET) {
        methods.retain(|method| method != Method::HEAD);
        methods.push(Method::HEAD);
    }
    Ok(methods)
}

/// The methods as they are written; the `HEAD` that `GET` brought is left out.
fn join(methods: &[Method]) -> String {
    let brought = |method: &&Method| !(**method == Method::HEAD && methods.contains(&Method::GET));
    methods.iter().filter(brought).map(Method::as_str).collect::<Vec<_>>().join("|")
}

fn parse_segment(part: &str, path: &str) -> Result<Segment, String> {
    if let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let sane = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if sane {
            Ok(Segment::Parameter(name.to_owned()))
        } else {
            Err(format!("\"{part}\" in \"{path}\" needs a name of letters, digits and _ between its braces"))
        };
    }
    if part.contains(['{', '}', '*']) {
        return Err(format!(
            "\"{part}\" in \"{path}\" mixes text with a placeholder; a placeholder fills a whole segment"
        ));
    }
    if matches!(part, "." | "..") {
        return Err(format!("\"{path}\" holds a dot segment, which no request may have"));
    }
    if let Some(name) = part.strip_prefix(':') {
        return Err(format!("\"{part}\" in \"{path}\" looks like a parameter; write \"{{{name}}}\""));
    }
    Ok(Segment::Literal(part.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let pattern = RoutePattern::parse(text).unwrap();
        assert_eq!(pattern.to_string(), expect);
        assert_eq!(RoutePattern::parse(&pattern.to_string()).unwrap(), pattern);
    }

    #[test]
    fn patterns_read_as_people_write_them() {
        check("POST /login", "POST /login");
        check("GET|POST /a/{id}", "GET|POST /a/{id}");
        check("GET|HEAD|POST /a", "GET|POST /a");
        check("POST|GET /a", "POST|GET /a");
        check("* /x/*", "/x/*");
        check("/", "/");
        assert!(RoutePattern::parse("GET /a").unwrap().methods().contains(&Method::HEAD), "HEAD may not slip past GET");
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, part) in [
            ("login", "is not a route"),
            ("post /login", "write POST"),
            ("FETCH /x", "known are GET"),
            ("/a/*/b", "last segment"),
            ("/a/:id", "{id}"),
            ("/a/{}", "needs a name"),
            ("/a/x{id}", "whole segment"),
            ("/a?b=1", "plain path"),
            ("/a;b", "plain path"),
            ("/a/../b", "dot segment"),
        ] {
            let error = RoutePattern::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_a_pattern_covers() {
        let covers =
            |pattern: &str, method: Method, path: &str| RoutePattern::parse(pattern).unwrap().covers(&method, path);
        assert!(covers("GET /a/{id}/*", Method::HEAD, "/A/7/b/c") && covers("GET /a/{id}/*", Method::GET, "/a/7"));
        assert!(!covers("GET /a/{id}/*", Method::GET, "/a") && !covers("GET /a/{id}", Method::GET, "/a/7/b"));
        assert!(
            !covers("GET /a", Method::POST, "/a") && covers("/*", Method::POST, "/") && covers("/", Method::POST, "/")
        );
        assert!(!covers("/", Method::GET, "/a"));
    }

    #[test]
    fn collisions_are_by_meaning() {
        let collide = |a: &str, b: &str| RoutePattern::parse(a).unwrap().collides(&RoutePattern::parse(b).unwrap());
        assert!(collide("GET /a/{x}", "GET|POST /A/{y}"));
        assert!(collide("/a", "/a/"));
        assert!(!collide("GET /a", "POST /a"));
        assert!(!collide("/a", "POST /a"), "a method is more specific than any");
        assert!(!collide("/a/b", "/a/{x}"));
    }
}
