//! Which answers are replaced.

use http::{Response, StatusCode};
use seawall_core::{Environment, settings::Raw};

use super::*;
use crate::{Guard, Stop, engine::sample_context};

fn replaced(environment: Environment, setting: &str, status: u16) -> Option<StatusCode> {
    let guard =
        RescueGuard::read(&values().with("upstream_errors", Raw::Text(setting.to_owned())), environment).unwrap();
    let (mut answer, ()) = Response::builder().status(status).body(()).unwrap().into_parts();
    match guard.answer(&mut answer, &mut sample_context()) {
        Some(Stop::Refused(problem)) => Some(problem.status()),
        _ => None,
    }
}

#[test]
fn pm_7_failures_of_the_application_are_replaced_in_production_only() {
    assert_eq!(replaced(Environment::Production, "auto", 500), Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(
        replaced(Environment::Production, "auto", 503),
        Some(StatusCode::SERVICE_UNAVAILABLE),
        "the status stays"
    );
    assert_eq!(replaced(Environment::Development, "auto", 500), None);
    assert_eq!(replaced(Environment::Development, "replace", 500), Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(replaced(Environment::Production, "pass", 500), None);
    assert_eq!(replaced(Environment::Production, "auto", 404), None);
}
