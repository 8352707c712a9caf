//! Which ids are kept.

use http::Request;
use seawall_core::http::{Network, Networks};

use super::*;
use crate::{Guard, engine::sample_context};

fn id_for(trusted: &str, inbound: &str) -> (String, String) {
    let networks = Networks::from(vec![Network::parse(trusted).unwrap()]);
    let guard = RequestIdGuard::read(&values(), networks).unwrap();
    let (mut head, ()) = Request::builder().header(&NAME, inbound).body(()).unwrap().into_parts();
    let mut context = sample_context();
    let fresh = context.request_id.to_string();
    guard.head(&mut head, &mut context);
    assert_eq!(head.headers[&NAME], context.request_id.as_str(), "the application is told");
    (context.request_id.to_string(), fresh)
}

#[test]
fn an_id_is_kept_only_from_a_trusted_peer_and_only_when_sane() {
    let (id, _) = id_for("127.0.0.1", "from-edge-1");
    assert_eq!(id, "from-edge-1");
    let (id, fresh) = id_for("10.0.0.0/8", "from-stranger");
    assert_eq!(id, fresh);
    let (id, fresh) = id_for("127.0.0.1", "bad id");
    assert_eq!(id, fresh);
}
