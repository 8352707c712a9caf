//! What is believed, and what the application is told.

use http::Request;
use seawall_core::{
    http::{Network, Networks, forwarded::Source},
    meter::Handle,
};

use super::*;
use crate::{Context, Guard, Head, Peer, engine::sample_context};

fn seen(trusted: &[&str], peer: &str, headers: &[(&str, &str)]) -> (Head, Context) {
    let trusted = trusted.iter().map(|text| Network::parse(text).unwrap()).collect::<Vec<_>>();
    let guard = ClientAddressGuard::new(Networks::from(trusted), Source::XForwardedFor, Handle::none());
    let request =
        headers.iter().fold(Request::builder().header("host", "app.example:8080"), |request, (name, value)| {
            request.header(*name, *value)
        });
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let mut context = sample_context();
    context.peer = Peer::new(peer.parse().unwrap(), false).into();
    context.client = context.peer.address;
    guard.head(&mut head, &mut context);
    (head, context)
}

#[test]
fn a_strangers_headers_are_replaced() {
    let forged = [
        ("x-forwarded-for", "10.9.9.9"),
        ("forwarded", "for=10.9.9.9"),
        ("x-real-ip", "10.9.9.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-ssl", "on"),
        ("x-original-url", "/admin"),
    ];
    let (head, context) = seen(&[], "192.0.2.7", &forged);
    assert_eq!(context.client.to_string(), "192.0.2.7");
    assert_eq!(head.headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(head.headers["x-forwarded-proto"], "http");
    assert_eq!(head.headers["x-forwarded-host"], "app.example:8080");
    assert_eq!(head.headers["forwarded"], "for=192.0.2.7;host=\"app.example:8080\";proto=http");
    for name in ["x-real-ip", "x-forwarded-ssl", "x-original-url"] {
        assert!(!head.headers.contains_key(name), "{name}");
    }
    assert!(!context.secure);
}

#[test]
fn a_trusted_proxy_is_believed_and_its_chain_extended() {
    let (head, context) = seen(
        &["10.0.0.0/8"],
        "10.0.0.1",
        &[("x-forwarded-for", "6.6.6.6, 198.51.100.7"), ("x-forwarded-proto", "https")],
    );
    assert_eq!(context.client.to_string(), "198.51.100.7");
    assert!(context.secure && context.peer_trusted);
    assert_eq!(head.headers["x-forwarded-for"], "6.6.6.6, 198.51.100.7, 10.0.0.1");
    assert_eq!(head.headers["x-forwarded-proto"], "https");
}

#[test]
fn ipv6_peers_are_written_as_the_standard_says() {
    let (head, _) = seen(&[], "2001:db8::1", &[]);
    assert_eq!(head.headers["forwarded"], "for=\"[2001:db8::1]\";host=\"app.example:8080\";proto=http");
    assert_eq!(head.headers["x-forwarded-for"], "2001:db8::1");
}
