//! What is refused, and what is brought into one spelling. Rows follow the cases that public servers get wrong.

use http::{Request, Version};
use seawall_core::{meter::Handle, settings::Raw};

use super::*;
use crate::{Guard, Head, Verdict, engine::sample_context};

fn judged(guard: &StrictHttpGuard, request: http::request::Builder) -> Result<Head, (&'static str, u16)> {
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    match guard.head(&mut head, &mut sample_context()) {
        Verdict::Refuse(problem) => Err((problem.kind.slug, problem.status().as_u16())),
        _ => Ok(head),
    }
}

fn guard() -> StrictHttpGuard {
    StrictHttpGuard::read(&values(), Handle::none()).unwrap()
}

fn get(uri: &str) -> http::request::Builder {
    Request::get(uri).header("host", "app.example")
}

#[test]
fn one_host() {
    assert_eq!(judged(&guard(), Request::get("/")).unwrap_err().0, "invalid-host");
    assert!(judged(&guard(), Request::get("/").version(Version::HTTP_10)).is_ok(), "HTTP/1.0 has no Host");
    assert_eq!(judged(&guard(), get("/").header("host", "app.example")).unwrap_err().0, "invalid-host");
    for bad in [
        "",
        "a b",
        "a,b",
        "user@app.example",
        "app.example/x",
        "app.example:",
        "app.example:x",
        "[::1",
        ":80",
        "a:99999",
        "[zz]",
        "..",
    ] {
        assert_eq!(judged(&guard(), Request::get("/").header("host", bad)).unwrap_err().0, "invalid-host", "{bad}");
    }
}

#[test]
fn a_host_in_the_request_line_agrees_and_is_taken_out() {
    let head = judged(&guard(), get("http://APP.example/x?y=1")).unwrap();
    assert_eq!(head.uri, "/x?y=1");
    assert_eq!(judged(&guard(), get("http://other.example/x")).unwrap_err().0, "invalid-host");
    let head = judged(&guard(), Request::get("http://app.example:81/")).unwrap();
    assert_eq!(head.headers["host"], "app.example:81", "HTTP/2 has the host in its target");
}

#[test]
fn named_hosts_are_the_only_ones() {
    let named = values().with("hosts", Raw::List(vec![Raw::Text("App.example".to_owned())]));
    let guard = StrictHttpGuard::read(&named, Handle::none()).unwrap();
    assert!(judged(&guard, Request::get("/").header("host", "app.example:8080")).is_ok());
    assert_eq!(judged(&guard, Request::get("/").header("host", "evil.example")).unwrap_err(), ("invalid-host", 400));
}

#[test]
fn paths_have_one_spelling() {
    assert_eq!(judged(&guard(), get("/%6Cogin?a=%6C")).unwrap().uri, "/login?a=%6C");
    for bad in ["/a/../b", "/%2e%2e/x", "/a%2Fb", "/a%00b", "/a%zz"] {
        assert_eq!(judged(&guard(), get(bad)).unwrap_err(), ("invalid-path", 400), "{bad}");
    }
}

#[test]
fn methods_that_reach_through_are_refused() {
    for method in ["TRACE", "CONNECT"] {
        let request = Request::builder().method(method).uri("/").header("host", "a");
        assert_eq!(judged(&guard(), request).unwrap_err(), ("method-refused", 405));
    }
}

#[test]
fn heads_are_bounded() {
    let many = (0..101).fold(get("/"), |request, index| request.header(format!("x-{index}"), "1"));
    assert_eq!(judged(&guard(), many).unwrap_err(), ("headers-too-large", 431));
    let long = get("/").header("cookie", "x".repeat(33_000));
    assert_eq!(judged(&guard(), long).unwrap_err(), ("headers-too-large", 431));
}

#[test]
fn fields_with_underscores_are_dropped() {
    let head = judged(&guard(), get("/").header("x_real_ip", "10.0.0.1").header("x-ok", "1")).unwrap();
    assert!(!head.headers.contains_key("x_real_ip") && head.headers.contains_key("x-ok"));
}

#[test]
fn what_applications_read_differently_is_refused() {
    let refused = |request| judged(&guard(), request).unwrap_err();
    assert_eq!(refused(Request::builder().method("post").uri("/login").header("host", "a")), ("invalid-request", 400));
    assert_eq!(refused(Request::get("*").header("host", "a")), ("invalid-request", 400));
    assert_eq!(refused(get("/").header("origin", "http://a").header("origin", "http://b")), ("invalid-request", 400));
    assert_eq!(refused(get("ftp://app.example/")), ("invalid-request", 400));
    assert!(judged(&guard(), Request::options("*").header("host", "a")).is_ok());
    assert!(judged(&guard(), Request::get("/").header("host", "[::1]:8080")).is_ok());
}

#[test]
fn another_method_or_path_in_a_field_is_refused_unless_it_may_pass() {
    let post = |name: &str| Request::post("/orders/7").header("host", "a").header(name, "/admin");
    for name in ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"] {
        assert_eq!(judged(&guard(), post(name)).unwrap_err(), ("invalid-request", 400), "{name}");
    }
    assert!(judged(&guard(), post("x-method")).is_ok());
    let pass = values().with("overrides", Raw::Text("pass".to_owned()));
    let pass = StrictHttpGuard::read(&pass, Handle::none()).unwrap();
    assert!(judged(&pass, post("x-http-method")).unwrap().headers.contains_key("x-http-method"));
}

#[test]
fn what_goes_no_further_decides_nothing() {
    let head = judged(&guard(), get("/").header("connection", "close, X-API-Version").header("x-api-version", "v2"));
    assert!(!head.unwrap().headers.contains_key("x-api-version"));
    let kept = get("/").header("connection", "Authorization").header("authorization", "Bearer x");
    assert_eq!(judged(&guard(), kept).unwrap_err(), ("invalid-request", 400));
}
