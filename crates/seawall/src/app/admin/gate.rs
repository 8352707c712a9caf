//! Who may use the admin interface: the right Host, no foreign Origin, and the token or the key.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use seawall_core::{
    problem::{Fault, ProblemType, Severity},
    settings::Secret,
};
use serde_json::Map;

use super::{
    key::{AdminKey, Shown},
    refusal,
};
use crate::app::random;

/// A request for another host: a website that made its visitor's browser believe this is its own server.
pub(super) static HOST_REFUSED: ProblemType = ProblemType {
    slug: "admin-host-refused",
    code: "HOST_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "The admin interface does not answer for this host or origin",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The admin interface answers requests for localhost or its own address only, and none that a page of another origin \
        makes. Use the address it listens on, such as http://127.0.0.1:9090.",
};

/// No token, or a wrong one.
pub(super) static UNAUTHORISED: ProblemType = ProblemType {
    slug: "admin-token-required",
    code: "UNAUTHORIZED",
    status: StatusCode::UNAUTHORIZED,
    title: "The admin interface wants its token",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "Everything but health and metrics wants the token of the admin interface, sent as `Authorization: Bearer TOKEN`, or the \
        key of its operators, sent as `X-Admin-Key`.\n\n\
        For the operator: the token is in `admin.token` in the data directory (`data`, by default .seawall), unless `token` in `[admin]` \
        gives one; the key is `key` there. The command line needs none: it uses the socket beside it.",
};

/// Too many wrong keys.
pub(super) static KEY_PAUSED: ProblemType = ProblemType {
    slug: "admin-key-paused",
    code: "RATE_LIMITED",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "After five wrong keys, no `X-Admin-Key` is heard for a while",
    retryable: true,
    fault: Fault::Client,
    severity: Severity::High,
    documentation: "Five requests with a wrong `X-Admin-Key` were followed by a pause of 15 minutes, in which the right one is not heard either. \
        `Retry-After` says what is left of it.\n\nFor the operator: the token of the admin interface and the command line work meanwhile; the key \
        is `key` in `[admin]`. The log tells when wrong ones came.",
};

/// The gate of the TCP listener.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) port: u16,
    pub(super) token: Arc<Secret>,
    pub(super) key: Option<Arc<AdminKey>>,
}

/// Lets a request through, or says why not.
pub(super) async fn pass(gate: Gate, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let problem = if !gate.own_host(headers) || !gate.own_origin(headers) {
        &HOST_REFUSED
    } else if open(request.uri().path()) || gate.has_token(headers) {
        return next.run(request).await;
    } else {
        match gate.key.as_ref().map_or(Shown::Nothing, |key| key.look(headers)) {
            Shown::Right => return next.run(request).await,
            Shown::Nothing | Shown::Wrong => &UNAUTHORISED,
            Shown::Paused(seconds) => return paused(seconds),
        }
    };
    refusal::of(problem, problem.documentation.split("\n\n").next().unwrap_or_default(), Map::new())
}

fn paused(seconds: u64) -> Response {
    let mut response = refusal::of(&KEY_PAUSED, KEY_PAUSED.title, Map::new());
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// Paths that want no token.
fn open(path: &str) -> bool {
    path == "/metrics" || path == "/health" || path.starts_with("/health/") || path.starts_with("/problems/")
}

impl Gate {
    fn own_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().is_ok_and(|host| self.own_authority(host))
    }

    /// A browser names the page's origin with whatever could change something; no page but our own may ask.
    fn own_origin(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ORIGIN).iter().all(|origin| {
            origin
                .to_str()
                .ok()
                .and_then(|origin| origin.strip_prefix("http://"))
                .is_some_and(|authority| self.own_authority(authority))
        })
    }

    fn own_authority(&self, authority: &str) -> bool {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (authority, Some(80)),
        };
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| own.eq_ignore_ascii_case(host)) && port == Some(self.port)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| random::same(token.trim(), self.token.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate { port: 9090, token: Arc::new("0123456789abcdef".to_owned().into()), key: None }
    }

    #[test]
    fn only_its_own_names_are_answered() {
        for host in ["localhost:9090", "127.0.0.1:9090", "[::1]:9090"] {
            assert!(gate().own_authority(host), "{host}");
        }
        for host in [
            "evil.example:9090",
            "localhost",
            "localhost:80",
            "127.0.0.1.evil.example:9090",
            "",
            "localhost:x",
            "[::1]",
        ] {
            assert!(!gate().own_authority(host), "{host}");
        }
    }

    #[test]
    fn the_token_is_wanted_whole() {
        let has = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            gate().has_token(&headers)
        };
        assert!(has("Bearer 0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer ",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer 0123456789abcdeF",
        ] {
            assert!(!has(wrong), "{wrong}");
        }
        assert!(!gate().has_token(&HeaderMap::new()));
    }
}
