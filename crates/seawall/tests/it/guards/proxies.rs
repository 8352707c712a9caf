//! Proxies in front: what trusted ones say of the client is believed, what anyone else says is not.

use seawall_testkit::{client::Request, in_front};

const TRUSTED: &str = "[client_address]\ntrusted = [\"127.0.0.1\", \"10.0.0.0/8\"]\n";
const HSTS: &str = "strict-transport-security";

#[tokio::test(flavor = "multi_thread")]
async fn rg_9_browsers_are_told_to_stay_with_https_in_production_over_https_only() {
    for (environment, trusted, header, told) in [
        ("production", true, Some(("X-Forwarded-Proto", "https")), true),
        ("production", true, Some(("Forwarded", "for=192.0.2.1;proto=https")), false),
        ("production", true, Some(("X-Forwarded-Proto", "http")), false),
        ("production", true, None, false),
        ("production", false, Some(("X-Forwarded-Proto", "https")), false),
        ("staging", true, Some(("X-Forwarded-Proto", "https")), false),
        ("development", true, Some(("X-Forwarded-Proto", "https")), false),
    ] {
        let config = format!("environment = \"{environment}\"\n{}", if trusted { TRUSTED } else { "" });
        let (_upstream, app) = in_front(&config).await;
        for path in ["/echo", "/close", "/_seawall/health/live"] {
            let request =
                header.into_iter().fold(Request::get(path), |request, (name, value)| request.header(name, value));
            let answer = app.client().request(request).await;
            let expected = told.then_some("max-age=31536000");
            assert_eq!(answer.header(HSTS), expected, "{environment}, trusted {trusted}, {header:?}, {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_an_id_is_kept_from_a_trusted_proxy_when_it_is_sane() {
    let long = "x".repeat(129);
    for (toml, sent, kept) in [
        (TRUSTED, "4f1c-from-the-balancer", true),
        (TRUSTED, "req_0123456789ABCDEF", true),
        (TRUSTED, long.as_str(), false),
        (TRUSTED, "two words", false),
        (TRUSTED, "a\"},{\"level\":\"error", false),
        (TRUSTED, "<script>", false),
        ("", "4f1c-from-a-stranger", false),
    ] {
        let (upstream, app) = in_front(toml).await;
        let answer = app.client().request(Request::get("/echo").header("X-Request-Id", sent)).await.expect_status(200);
        let [id] = answer.headers_named("x-request-id")[..] else { panic!("one id in {answer:?}") };
        assert_eq!(id == sent, kept, "{sent} became {id}");
        assert!(kept || id.len() == 36, "{id} is fresh");
        assert_eq!(upstream.requests()[0].header("x-request-id"), Some(id));
        assert_eq!(app.request_line("/echo").await["request.id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_a_trace_is_continued_for_those_who_may() {
    const THEIRS: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (toml, parent, continued) in [
        (TRUSTED, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true),
        (TRUSTED, "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
        (TRUSTED, "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
        (TRUSTED, "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
        (TRUSTED, "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
        (TRUSTED, "nonsense", false),
        ("", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
        ("[trace_context]\naccept = \"any\"\n", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
    ] {
        let (upstream, app) = in_front(toml).await;
        let request = Request::get("/echo").header("traceparent", parent).header("tracestate", "vendor=1");
        app.client().request(request).await.expect_status(200);
        let seen = &upstream.requests()[0];
        let told = seen.header("traceparent").expect("the application is told the trace");
        let parts: Vec<&str> = told.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{told}");
        assert_eq!(parts[1] == THEIRS, continued, "{parent} became {told}");
        assert_ne!(parts[2], "00f067aa0ba902b7", "the parent is our own span");
        assert_eq!(seen.header("tracestate"), continued.then_some("vendor=1"), "{parent}");
        assert_eq!(app.request_line("/echo").await["trace.id"], parts[1], "{parent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_the_nearest_address_that_is_no_trusted_proxy() {
    let (_upstream, app) = in_front(TRUSTED).await;
    for (place, (name, value, client)) in [
        ("X-Forwarded-For", "203.0.113.7", "203.0.113.7"),
        ("X-Forwarded-For", "192.0.2.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("X-Forwarded-For", "203.0.113.7:4711", "203.0.113.7"),
        ("X-Forwarded-For", "203.0.113.7, unknown, 10.1.2.3", "10.1.2.3"),
        ("X-Forwarded-For", "\"><script>", "127.0.0.1"),
        ("Forwarded", "for=203.0.113.7", "127.0.0.1"),
        ("X-Real-IP", "203.0.113.7", "127.0.0.1"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/client/{place}");
        app.client().request(Request::get(&path).header(name, value)).await.expect_status(200);
        assert_eq!(app.request_line(&path).await["client.address"], client, "{name}: {value}");
    }
}

/// A proxy that writes one header usually passes the other on as a stranger sent it.
#[tokio::test(flavor = "multi_thread")]
async fn proxies_that_write_forwarded_are_believed_in_that_alone() {
    let (_upstream, app) = in_front(&format!("{TRUSTED}header = \"forwarded\"\n")).await;
    let chain = "for=192.0.2.9, for=\"[2001:db8::7]:4711\";proto=https";
    let request = Request::get("/both").header("Forwarded", chain).header("X-Forwarded-For", "6.6.6.6");
    app.client().request(request).await.expect_status(200);
    assert_eq!(app.request_line("/both").await["client.address"], "2001:db8::7");
}
