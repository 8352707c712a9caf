//! Whose traces are continued.

use http::Request;
use seawall_core::{
    http::{Network, Networks, TraceContext},
    settings::Raw,
};

use super::*;
use crate::{Guard, engine::sample_context};

const INBOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn trace(accept: &str, trusted: &str) -> (TraceContext, bool) {
    let networks = Networks::from(vec![Network::parse(trusted).unwrap()]);
    let guard = TraceContextGuard::read(
        &values().with("accept", Raw::Text(accept.to_owned())).with("sample", Raw::Text("0%".to_owned())),
        networks,
    )
    .unwrap();
    let (mut head, ()) =
        Request::builder().header("traceparent", INBOUND).header("tracestate", "a=b").body(()).unwrap().into_parts();
    let mut context = sample_context();
    guard.head(&mut head, &mut context);
    let trace = context.trace.unwrap();
    assert_eq!(head.headers["traceparent"].as_bytes(), trace.header());
    (trace, head.headers.contains_key("tracestate"))
}

#[test]
fn a_trusted_trace_is_continued_and_a_strangers_begins_anew() {
    let continued = |(trace, state): (TraceContext, bool)| (trace.parent_id.is_some(), trace.sampled, state);
    assert_eq!(continued(trace("trusted", "127.0.0.1")), (true, true, true));
    assert_eq!(continued(trace("trusted", "10.0.0.0/8")), (false, false, false));
    assert_eq!(continued(trace("any", "10.0.0.0/8")), (true, false, true), "a stranger may not have itself recorded");
    assert_eq!(continued(trace("none", "127.0.0.1")), (false, false, false));
}
