//! What guards would have refused that only report (checklist WK-17), and in what the application's answers differ from its document.

use axum::{
    Router,
    body::Body,
    extract::Query,
    http::{Response, StatusCode},
    routing::get,
};
use seawall_guards::{
    report::{Caller, Example, GuardReport, NeedReport, ProblemReport, Reports},
    schema::{self, Drift, DriftReport, Finding},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{builtin, store::time};

/// Which part is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    guard: Option<String>,
    route: Option<String>,
}

impl Part {
    fn holds(&self, report: &GuardReport) -> bool {
        let same = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        same(&self.guard, report.guard) && same(&self.route, &report.route)
    }

    /// Whether what the guard of documents found on a route is asked for.
    fn holds_drift(&self, route: &str) -> bool {
        let same = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        same(&self.guard, schema::ENTRY.name) && same(&self.route, route)
    }
}

/// The route.
pub(super) fn routes(reports: Reports, drift: Drift) -> Router {
    Router::new().route("/api/report", get(move |part: Query<Part>| async move { answer(&reports, &drift, &part) }))
}

fn answer(reports: &Reports, drift: &Drift, part: &Part) -> Response<Body> {
    let data = reports.show().iter().filter(|report| part.holds(report)).map(shown).collect::<Vec<_>>();
    let answers = differing(&drift.show(), part);
    let since = at(reports.since_unix_us());
    let body = json!({ "since": since, "left_out": reports.left_out(), "data": data, "answers": answers });
    builtin::json(StatusCode::OK, &body)
}

/// Answers that differ from the document.
fn differing(drift: &DriftReport, part: &Part) -> Value {
    let found = drift.findings.iter().filter(|finding| part.holds_drift(&finding.route)).map(finding);
    json!({
        "bodies": drift.bodies,
        "compared": drift.compared,
        "left_out": drift.left_out,
        "data": found.collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "operation": finding.operation,
        "route": finding.route,
        "status": finding.status,
        "field": finding.field,
        "rule": finding.rule,
        "expected": finding.expected,
        "found": finding.found,
        "count": finding.count,
        "first_at": at(finding.first_unix_us),
        "last_at": at(finding.last_unix_us),
    })
}

fn shown(report: &GuardReport) -> Value {
    json!({
        "guard": report.guard,
        "route": report.route,
        "reporting": report.reporting,
        "since": at(report.since_unix_us),
        "seen": report.seen,
        "refused": report.refused,
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "needs": report.needs.iter().map(need).collect::<Vec<_>>(),
        "suggestions": report.suggestions(),
    })
}

fn problem(problem: &ProblemReport) -> Value {
    json!({
        "problem": problem.kind.slug,
        "title": problem.kind.title,
        "count": problem.count,
        "first_at": at(problem.first_unix_us),
        "last_at": at(problem.last_unix_us),
        "callers": problem.callers.iter().map(caller).collect::<Vec<_>>(),
        "examples": problem.examples.iter().map(example).collect::<Vec<_>>(),
    })
}

fn caller(caller: &Caller) -> Value {
    json!({ "caller": caller.name, "count": caller.count, "over": caller.over })
}

fn example(example: &Example) -> Value {
    json!({
        "at": at(example.at_unix_us),
        "method": example.method,
        "path": example.path,
        "status": example.status,
        "detail": example.detail,
        "caller": example.caller,
    })
}

fn need(need: &NeedReport) -> Value {
    let most = &need.most;
    json!({
        "setting": most.setting,
        "set": most.set,
        "refused": need.refused,
        "needed": most.needed,
        "fitting": most.fitting,
        "caller": need.caller,
    })
}

fn at(unix_us: u64) -> String {
    time(i64::try_from(unix_us).unwrap_or(i64::MAX))
}
