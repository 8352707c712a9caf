//! Which operation a request is for: the most specific path wins, and no spelling slips past, as with routes.

use std::collections::BTreeMap;

use http::Method;
use seawall_core::http::path;
use smallvec::SmallVec;

use super::percent::{cut, split};

/// The segments that stand for parameters; few enough in most paths to need no memory of their own.
pub type Captured<'a> = SmallVec<[&'a str; 4]>;

/// All paths of a document, as a tree of segments. Each place is one of `levels`; the first is the root.
#[derive(Debug)]
pub(super) struct Paths {
    levels: Vec<Level>,
    /// The levels of whole paths without parameters, written as documents mostly do: found without going down.
    literal: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
struct Level {
    literals: BTreeMap<String, usize>,
    parameter: Option<usize>,
    methods: Vec<(Method, usize)>,
}

/// What was found for a request.
#[derive(Debug)]
pub(super) enum Found {
    /// The place of its operation.
    Operation(usize),
    /// The path is known, for other methods.
    OtherMethods,
    /// The path is not known.
    Nothing,
}

impl Default for Paths {
    fn default() -> Self {
        Self { levels: vec![Level::default()], literal: BTreeMap::new() }
    }
}

impl Paths {
    /// Adds an operation at a template; false when there is one already.
    pub(super) fn insert(&mut self, template: &[Segment], method: &Method, operation: usize) -> bool {
        let mut here = 0;
        for segment in template {
            let next = self.levels.len();
            let Some(level) = self.levels.get_mut(here) else { return false };
            here = match segment {
                Segment::Literal(text) => *level.literals.entry(text.clone()).or_insert(next),
                Segment::Parameter(_) => *level.parameter.get_or_insert(next),
            };
            if here == next {
                self.levels.push(Level::default());
            }
        }
        let Some(level) = self.levels.get_mut(here) else { return false };
        let fresh = level.methods.iter().all(|(known, _)| known != method);
        if fresh {
            level.methods.push((method.clone(), operation));
            if let Some(path) = literal(template) {
                self.literal.insert(path, here);
            }
        }
        fresh
    }

    /// The operation of a request, and the segments of its path that stand for parameters. `GET` answers `HEAD` too.
    pub(super) fn find<'a>(&self, method: &Method, path: &'a str, captured: &mut Captured<'a>) -> Found {
        let Some(level) = self.level(path, captured) else { return Found::Nothing };
        let named = |wanted: &Method| level.methods.iter().find(|(known, _)| known == wanted).map(|(_, place)| *place);
        let found = named(method).or_else(|| (method == Method::HEAD).then(|| named(&Method::GET)).flatten());
        found.map_or(Found::OtherMethods, Found::Operation)
    }

    /// The methods that a path has; `GET` answers `HEAD` too.
    pub(super) fn methods(&self, path: &str) -> Vec<Method> {
        let level = self.level(path, &mut Captured::new());
        let named = level.into_iter().flat_map(|level| &level.methods).map(|(method, _)| method.clone());
        let mut methods: Vec<Method> = named.collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        methods
    }

    fn level<'a>(&self, path: &'a str, captured: &mut Captured<'a>) -> Option<&Level> {
        match self.literal.get(path) {
            Some(place) => self.levels.get(*place),
            None => self.walk(0, &segments(path), captured),
        }
    }

    /// Goes down, literals first. A level is tried once at most for a path, since it is reached in one way.
    fn walk<'a>(&self, at: usize, segments: &[&'a str], captured: &mut Captured<'a>) -> Option<&Level> {
        let level = self.levels.get(at)?;
        let Some((first, rest)) = segments.split_first() else {
            return (!level.methods.is_empty()).then_some(level);
        };
        let literal =
            path::find_literal(&level.literals, bare(first)).and_then(|next| self.walk(*next, rest, captured));
        literal.or_else(|| {
            let next = level.parameter?;
            let before = captured.len();
            captured.push(first);
            let found = self.walk(next, rest, captured);
            if found.is_none() {
                captured.truncate(before);
            }
            found
        })
    }
}

/// Some applications cut a segment's parameters off, and ignore doubled and trailing slashes. Others take them for part of it, so what
/// stands for a parameter of the path is captured whole.
fn segments(path: &str) -> SmallVec<[&str; 16]> {
    split(path, b'/').filter(|segment| !bare(segment).is_empty()).collect()
}

/// A segment without parameters of its own.
pub(super) fn bare(segment: &str) -> &str {
    cut(segment, b';').0
}

/// The path of a template without parameters, when [`segments`] finds the same segments in it.
fn literal(template: &[Segment]) -> Option<String> {
    let mut path = String::new();
    for segment in template {
        let Segment::Literal(text) = segment else { return None };
        path.push('/');
        path.push_str(text);
    }
    if path.is_empty() {
        path.push('/');
    }
    let same = segments(&path).iter().map(|segment| bare(segment)).eq(template.iter().filter_map(Segment::text));
    same.then_some(path)
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Decoded, in lower case.
    Literal(String),
    Parameter(String),
}

impl Segment {
    /// What stands there when it is no parameter.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Parameter(_) => None,
        }
    }
}

/// The segments of `/orders/{id}`.
///
/// # Errors
/// Why it cannot be matched.
pub(super) fn template(text: &str) -> Result<Vec<Segment>, String> {
    if !text.starts_with('/') {
        return Err("a path begins with \"/\"".to_owned());
    }
    let segments = text.split('/').filter(|segment| !segment.is_empty()).map(|segment| {
        let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inside {
            Some(name) if !name.is_empty() && !name.contains(['{', '}']) => Ok(Segment::Parameter(name.to_owned())),
            None if !segment.contains(['{', '}']) => Ok(Segment::Literal(path::meant(segment).into_owned())),
            _ => Err(format!("\"{segment}\" mixes text with a parameter; a parameter fills a whole segment")),
        }
    });
    segments.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(templates: &[&str]) -> Paths {
        let mut paths = Paths::default();
        for (place, text) in templates.iter().enumerate() {
            assert!(paths.insert(&template(text).unwrap(), &Method::GET, place), "{text}");
        }
        paths
    }

    fn found(paths: &Paths, path: &str) -> Option<(usize, Vec<String>)> {
        let mut captured = Captured::new();
        match paths.find(&Method::GET, path, &mut captured) {
            Found::Operation(place) => Some((place, captured.iter().map(|&text| text.to_owned()).collect())),
            Found::OtherMethods | Found::Nothing => None,
        }
    }

    #[test]
    fn a_whole_path_is_found_at_once_and_as_by_going_down() {
        let paths = paths(&["/", "/orders", "/orders/{id}", "/orders/latest/lines", "/{any}/latest", "/a;b/c"]);
        for path in ["/", "/orders", "/orders/latest/lines"] {
            assert!(paths.literal.contains_key(path), "{path}");
            let walked = paths.walk(0, &segments(path), &mut Captured::new()).unwrap();
            assert!(std::ptr::eq(walked, paths.level(path, &mut Captured::new()).unwrap()), "{path}");
        }
        // What applications cut off is no other path, and is none of the document's.
        assert_eq!(paths.literal.len(), 3);
        assert_eq!(found(&paths, "/a;b/c"), None);
        assert_eq!(found(&paths, "//Orders;x=1/"), Some((1, Vec::new())));
        let encoded = self::paths(&["/users:delete", "/caf%C3%A9", "/a%2Fb", "/100%25"]);
        assert_eq!(found(&encoded, "/users%3Adelete"), Some((0, Vec::new())));
        assert_eq!(found(&encoded, "/caf%C3%A9"), Some((1, Vec::new())));
        assert_eq!(found(&encoded, "/a%2Fb"), Some((2, Vec::new())));
        assert_eq!((found(&encoded, "/a/b"), found(&encoded, "/100%25")), (None, Some((3, Vec::new()))));
        assert_eq!(found(&paths, "/orders/latest"), Some((2, vec!["latest".to_owned()])));
    }
}
