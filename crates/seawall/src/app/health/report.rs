//! What is known of the server's health, and how much of it is shown to whom.

use seawall_core::resilience::BreakerState;
use seawall_proxy::ServerReport;
use serde_json::{Map, Value, json};

use super::Show;

/// One check's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The check's name.
    pub name: String,
    /// What failed; nothing when it passed.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether readiness depends on it.
    pub required: bool,
    /// What else is known, for those who see all.
    pub details: Map<String, Value>,
}

/// The state of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether the server is finishing.
    pub draining: bool,
    /// The checks.
    pub checks: Vec<Outcome>,
    /// Since the start, in seconds.
    pub uptime_s: u64,
    /// Memory of the process, in bytes; nothing when the system does not say.
    pub memory_bytes: Option<u64>,
}

impl Report {
    /// Whether a request would be served.
    #[must_use]
    pub fn ready(&self) -> bool {
        !self.draining && self.checks.iter().all(|check| check.error.is_none() || !check.required)
    }

    /// The word for it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.draining, self.ready(), self.checks.iter().all(|check| check.error.is_none())) {
            (true, ..) => "draining",
            (false, false, _) => "unavailable",
            (false, true, false) => "degraded",
            (false, true, true) => "ok",
        }
    }

    /// As JSON, as much as `show` says. What failed is told in full only to those who see all.
    #[must_use]
    pub fn json(&self, show: Show) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("status", json!(self.status()));
        if show >= Show::Checks {
            put(
                "checks",
                Value::Object(self.checks.iter().map(|check| (check.name.clone(), check.json(show))).collect()),
            );
        }
        if show == Show::All {
            put("version", json!(crate::VERSION));
            put("uptime_s", json!(self.uptime_s));
            put("memory_bytes", json!(self.memory_bytes));
        }
        Value::Object(body)
    }
}

impl Outcome {
    fn json(&self, show: Show) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("status", json!(if self.error.is_none() { "ok" } else { "failed" }));
        put("took_ms", json!(self.took_ms));
        put("required", json!(self.required));
        if show == Show::All {
            if let Some(error) = &self.error {
                put("error", json!(error));
            }
            body.extend(self.details.clone());
        }
        Value::Object(body)
    }
}

/// One of the application's servers.
pub(super) fn server(server: &ServerReport) -> Value {
    json!({
        "address": server.address,
        "breaker": match server.breaker {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half_open",
            BreakerState::Open => "open",
        },
        "up": server.up,
        "requests": server.in_flight,
        "connections": server.connections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(error: Option<&str>, required: bool, draining: bool) -> Report {
        let (name, error) = ("database".to_owned(), error.map(str::to_owned));
        let check = Outcome { name, error, took_ms: 2, required, details: Map::new() };
        Report { draining, checks: vec![check], uptime_s: 5, memory_bytes: Some(1_000) }
    }

    #[test]
    fn readiness_depends_on_required_checks_and_on_draining() {
        assert_eq!((report(None, true, false).ready(), report(None, true, false).status()), (true, "ok"));
        assert_eq!(
            (report(Some("x"), true, false).ready(), report(Some("x"), true, false).status()),
            (false, "unavailable")
        );
        assert_eq!(
            (report(Some("x"), false, false).ready(), report(Some("x"), false, false).status()),
            (true, "degraded")
        );
        assert_eq!((report(None, true, true).ready(), report(None, true, true).status()), (false, "draining"));
    }

    #[test]
    fn strangers_are_told_one_word() {
        assert_eq!(
            report(Some("refused by 10.0.0.7"), true, false).json(Show::Status),
            json!({"status": "unavailable"})
        );
        let checks = report(Some("refused by 10.0.0.7"), true, false).json(Show::Checks).to_string();
        assert!(checks.contains("failed") && !checks.contains("10.0.0.7") && !checks.contains("version"));
        let all = report(Some("refused by 10.0.0.7"), true, false).json(Show::All);
        assert_eq!(all["checks"]["database"]["error"], "refused by 10.0.0.7");
        assert_eq!((all["uptime_s"].as_u64(), all["memory_bytes"].as_u64()), (Some(5), Some(1_000)));
    }
}
