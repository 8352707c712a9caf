//! What is served: routes, their policies and targets. Built when configuration loads, one for each core, replaced whole.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use http::Method;
use seawall_core::http::{RoutePattern, route::Segment};
use seawall_guards::{Policy, problem::Pages};

use crate::Builtins;

/// Everything one core serves.
#[derive(Debug)]
pub struct Site {
    /// Routes by request; the first is the default one.
    pub router: Router,
    /// How problems are rendered.
    pub pages: Arc<Pages>,
    /// The way to built-in targets.
    pub builtins: Builtins,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its guards.
    pub policy: Policy,
    /// Who answers.
    pub target: Target,
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The application.
    Upstream,
    /// The control plane, which is told the body only where it wants one.
    Builtin {
        /// Whether it wants the body.
        body: bool,
    },
}

/// Finds the route of a request: the most specific path wins, then a route for the method over one for any.
#[derive(Debug)]
pub struct Router {
    default: Route,
    routes: Vec<Route>,
    /// For each method that some route names, and for all others, the paths and the routes' places.
    methods: BTreeMap<String, matchit::Router<usize>>,
    others: matchit::Router<usize>,
}

impl Router {
    /// A router over these routes, `default` for requests that match none. Of two patterns for the same requests the first
    /// holds; configuration has refused such.
    #[must_use]
    pub fn new(default: Route, routes: Vec<(RoutePattern, Route)>) -> Self {
        let mut methods: BTreeMap<String, matchit::Router<usize>> = BTreeMap::new();
        let mut others = matchit::Router::new();
        for (pattern, _) in &routes {
            for method in pattern.methods() {
                methods.entry(method.as_str().to_owned()).or_default();
            }
        }
        // Routes for a method go in first, so that they hold over those for any at the same path.
        for specific in [true, false] {
            for (place, (pattern, _)) in
                routes.iter().enumerate().filter(|(_, (pattern, _))| pattern.methods().is_empty() != specific)
            {
                for path in paths(pattern) {
                    for (method, router) in &mut methods {
                        if !specific || pattern.methods().iter().any(|named| named.as_str() == method) {
                            let _taken = router.insert(path.as_str(), place);
                        }
                    }
                    if !specific {
                        let _taken = others.insert(path.as_str(), place);
                    }
                }
            }
        }
        Self { default, routes: routes.into_iter().map(|(_, route)| route).collect(), methods, others }
    }

    /// The route for requests that match no pattern.
    #[must_use]
    pub const fn default_route(&self) -> &Route {
        &self.default
    }

    /// All routes but the default one.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The place of the route for a request; nothing for the default.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<usize> {
        if self.routes.is_empty() {
            return None;
        }
        let router = self.methods.get(method.as_str()).unwrap_or(&self.others);
        router.at(&spelled(path)).ok().map(|found| *found.value)
    }

    /// The route at a place that [`Router::find`] gave.
    #[must_use]
    pub fn route(&self, place: Option<usize>) -> &Route {
        place.and_then(|place| self.routes.get(place)).unwrap_or(&self.default)
    }
}

/// The pattern in the router's words. Parameters are named by their place, so that two patterns may name the same segment
/// differently; a final `*` stands for the path itself too.
fn paths(pattern: &RoutePattern) -> Vec<String> {
    let segments = pattern.segments().iter().enumerate().map(|(place, segment)| match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Parameter(_) => format!("/{{p{place}}}"),
    });
    let path: String = segments.collect();
    let itself = if path.is_empty() { "/".to_owned() } else { path.clone() };
    if pattern.below() { vec![itself, format!("{path}/{{*rest}}")] } else { vec![itself] }
}

/// The path as patterns spell it: lower case, single slashes, none at the end. For matching, and for the targets on the control
/// plane; what is forwarded keeps its spelling.
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

    fn router(patterns: &[&str]) -> Router {
        let route =
            |name: &str| Route { policy: Policy::new(name.into(), Vec::new(), 0).unwrap(), target: Target::Upstream };
        let routes = patterns.iter().map(|pattern| (RoutePattern::parse(pattern).unwrap(), route(pattern)));
        Router::new(route("default"), routes.collect())
    }

    fn check(patterns: &[&str], request: &str, expect: &str) {
        let router = router(patterns);
        let (method, path) = request.split_once(' ').unwrap();
        let found = router.find(&method.parse().unwrap(), path);
        assert_eq!(&**router.route(found).policy.route(), expect, "{request} over {patterns:?}");
    }

    #[test]
    fn the_most_specific_path_wins_then_the_method() {
        let patterns =
            ["/api/*", "GET /api/users/{id}", "/api/users/me", "POST /api/users/{name}", "/login", "POST /login"];
        check(&patterns, "GET /api/users/7", "GET /api/users/{id}");
        check(&patterns, "HEAD /api/users/7", "GET /api/users/{id}");
        check(&patterns, "POST /api/users/7", "POST /api/users/{name}");
        check(&patterns, "PATCH /api/users/7", "/api/*");
        check(&patterns, "GET /api/users/me", "/api/users/me");
        check(&patterns, "POST /login", "POST /login");
        check(&patterns, "GET /login", "/login");
        check(&patterns, "GET /api", "/api/*");
        check(&patterns, "GET /", "default");
        check(&patterns, "PURGE /api/x/y", "/api/*");
    }

    #[test]
    fn no_spelling_slips_past_a_route() {
        for path in ["/login/", "/LOGIN", "//login", "/Login//", "/login", "/login;x=1", "/;x/login;"] {
            check(&["POST /login"], &format!("POST {path}"), "POST /login");
        }
        check(&["/files/{name}"], "GET /files/", "default");
        check(&["/"], "GET //", "/");
    }
}
