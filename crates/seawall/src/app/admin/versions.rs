//! Who still uses a version of the API that ends.

use axum::{Router, body::Body, http::StatusCode, response::Response, routing::get};
use seawall_guards::versions::{Caller, Callers, Who};
use serde_json::{Value, json};

use crate::app::builtin;

/// The route.
pub(super) fn routes(callers: Callers) -> Router {
    Router::new().route("/api/versions", get(move || async move { answer(&callers) }))
}

fn answer(callers: &Callers) -> Response<Body> {
    let (all, others) = callers.all();
    let data: Vec<_> = all.iter().map(shown).collect();
    builtin::json(StatusCode::OK, &json!({ "data": data, "next": null, "requests_of_others": others }))
}

fn shown(caller: &Caller) -> Value {
    let (principal, address) = match &caller.who {
        Who::Principal(id) => (Some(&**id), None),
        Who::Address(address) => (None, Some(address.to_string())),
    };
    json!({
        "version": &*caller.version,
        "principal": principal,
        "address": address,
        "requests": caller.requests,
        "first_at": time(caller.first_at_unix_us),
        "last_at": time(caller.last_at_unix_us),
    })
}

/// A time as RFC 3339 has it; nothing beyond the calendar.
fn time(unix_us: u64) -> Option<String> {
    let time = jiff::Timestamp::from_microsecond(i64::try_from(unix_us).ok()?).ok()?;
    Some(time.to_string())
}
