//! What is served: routes, their policies and targets. Built when configuration loads, one for each core, replaced whole.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Method};
use seawall_core::http::{RoutePattern, Routes};
use seawall_guards::{Policy, problem::Pages};

use crate::Builtins;

/// Everything one core serves.
#[derive(Debug)]
pub struct Site {
    /// Routes by request.
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
    /// The control plane, which takes a body as large as the policy lets through, and answers at its own pace.
    AtLength,
}

/// Which route of a router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteIndex(usize);

impl RouteIndex {
    /// The route for requests that match no pattern.
    pub const DEFAULT: Self = Self(0);
}

/// Finds the route of a request: the most specific path wins, then a route for the method over one for any.
#[derive(Debug)]
pub struct Router {
    default: Route,
    routes: Vec<Route>,
    /// Finds their places.
    table: Routes,
    /// Fields whose requests are carried on although their client leaves, on some route.
    carried_on: Vec<HeaderName>,
}

impl Router {
    /// A router over these routes, `default` for requests that match none. Of two patterns for the same requests the first
    /// holds; configuration has refused such.
    #[must_use]
    pub fn new(default: Route, routes: Vec<(RoutePattern, Route)>) -> Self {
        let table = Routes::new(&routes.iter().map(|(pattern, _)| pattern).collect::<Vec<_>>());
        let routes: Vec<Route> = routes.into_iter().map(|(_, route)| route).collect();
        let policies = routes.iter().chain([&default]).map(|route| &route.policy);
        let mut carried_on: Vec<HeaderName> = Vec::new();
        for name in policies.flat_map(Policy::carried_on) {
            if !carried_on.contains(&name) {
                carried_on.push(name);
            }
        }
        Self { default, routes, table, carried_on }
    }

    /// The route for requests that match no pattern.
    #[must_use]
    pub const fn default_route(&self) -> &Route {
        &self.default
    }

    /// Whether a request with these fields may have to be carried on although its client leaves.
    #[must_use]
    pub fn carries_on(&self, headers: &HeaderMap) -> bool {
        self.carried_on.iter().any(|name| headers.contains_key(name))
    }

    /// All routes but the default one.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route for a request.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> RouteIndex {
        if self.routes.is_empty() {
            return RouteIndex::DEFAULT;
        }
        self.table.find(method, path).map_or(RouteIndex::DEFAULT, |place| RouteIndex(place + 1))
    }

    /// The route that [`Router::find`] gave.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> &Route {
        index.0.checked_sub(1).and_then(|place| self.routes.get(place)).unwrap_or(&self.default)
    }
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
