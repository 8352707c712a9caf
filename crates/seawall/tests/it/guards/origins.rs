//! Other origins: preflights answered here, grants for exactly the listed ones, localhost outside production only.

use seawall_testkit::{
    client::{Client, RawResponse, Request},
    in_front,
};

const OWN: &str = "https://app.example.com";
const PRODUCTION: &str = "environment = \"production\"\n";
const LISTED: &str = "[cors]\norigins = [\"https://app.example.com\"]\n";

async fn preflight(client: &Client, origin: &str) -> RawResponse {
    let asks = Request::new("OPTIONS", "/echo").header("Origin", origin).header("Access-Control-Request-Method", "PUT");
    client.request(asks.header("Access-Control-Request-Headers", "content-type")).await
}

async fn call(client: &Client, path: &str, origin: &str) -> RawResponse {
    client.request(Request::post(path).header("Origin", origin)).await
}

fn granted(answer: &RawResponse) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_3_a_preflight_of_a_listed_origin_is_answered_here() {
    let (upstream, app) = in_front(&format!("{PRODUCTION}{LISTED}")).await;
    let answer = preflight(&app.client(), OWN).await.expect_status(204);
    assert_eq!(granted(&answer), Some(OWN));
    let methods = answer.header("access-control-allow-methods").expect("methods are named");
    assert!(methods.split(", ").any(|method| method == "PUT"), "{methods}");
    let headers = answer.header("access-control-allow-headers").expect("headers are named");
    assert!(headers.split(", ").any(|name| name.eq_ignore_ascii_case("content-type")), "{headers}");
    assert_eq!(answer.header("access-control-max-age"), Some("600"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert!(answer.headers_named("vary").join(", ").contains("Origin"), "{answer:?}");
    assert_eq!((answer.body.len(), answer.header("x-content-type-options")), (0, Some("nosniff")));
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(app.metric("seawall_guard_decisions", &["cors", "*", "answered"]), 1.0);
    assert_eq!(answer.header("ratelimit"), None, "a preflight costs the page nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_3_only_listed_origins_are_granted_in_production() {
    let (upstream, app) = in_front(&format!("{PRODUCTION}{LISTED}")).await;
    let strangers = [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "http://localhost:3000",
        "null",
    ];
    for (asked, origin) in (1..).zip(strangers) {
        preflight(&app.client(), origin).await.expect_problem(403, "origin-refused");
        let answer = call(&app.client(), "/headers?Access-Control-Allow-Origin=*", origin).await.expect_status(200);
        assert_eq!(granted(&answer), None, "{origin}: what the application grants does not count");
        assert!(answer.headers_named("vary").contains(&"Origin"), "caches must not mix origins: {answer:?}");
        assert_eq!(upstream.requests().len(), asked, "{origin}: no preflight reaches the application");
    }
    let own = call(&app.client(), "/headers?Access-Control-Allow-Origin=*&Vary=Accept", OWN).await.expect_status(200);
    assert_eq!(own.headers_named("access-control-allow-origin"), [OWN], "once, and exactly");
    assert!(own.headers_named("vary").join(", ").contains("Origin"), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_3_pages_may_read_the_id_and_their_limits() {
    let (_upstream, app) = in_front(&format!("{PRODUCTION}{LISTED}")).await;
    let answer = call(&app.client(), "/echo", OWN).await.expect_status(200);
    let exposed = answer.header("access-control-expose-headers").expect("headers are exposed").to_lowercase();
    for name in
        ["x-request-id", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"]
    {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} in {exposed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_can_read_why_it_was_refused() {
    let config = format!("{PRODUCTION}{LISTED}[rate_limit]\nlimits = [\"1/min per ip\"]\n");
    let (_upstream, app) = in_front(&config).await;
    call(&app.client(), "/echo", OWN).await.expect_status(200);
    let refused = call(&app.client(), "/echo", OWN).await;
    refused.expect_problem(429, "quota-exceeded");
    assert_eq!(granted(&refused), Some(OWN));
    preflight(&app.client(), OWN).await.expect_status(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_3_localhost_pages_may_call_in_development_and_staging_only() {
    for (environment, may) in [("development", true), ("staging", true), ("production", false)] {
        for cors in ["", LISTED] {
            let (_upstream, app) = in_front(&format!("environment = \"{environment}\"\n{cors}")).await;
            for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080"] {
                let answer = call(&app.client(), "/echo", origin).await.expect_status(200);
                assert_eq!(granted(&answer), may.then_some(origin), "{environment} {cors} {origin}");
                let asked = preflight(&app.client(), origin).await;
                assert_eq!(granted(&asked), may.then_some(origin), "{environment} {cors} {origin}");
                assert_eq!(asked.header("access-control-allow-methods").is_some(), may, "{environment} {cors}");
            }
            let foreign = call(&app.client(), "/echo", "http://localhost.evil.example").await;
            assert_eq!(granted(&foreign), None, "{environment} {cors}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_handles_origins_itself_is_left_alone() {
    let (upstream, app) = in_front(PRODUCTION).await;
    let path = "/headers?Access-Control-Allow-Origin=https%3A%2F%2Fx.example&Access-Control-Allow-Credentials=true";
    let answer = call(&app.client(), path, "https://x.example").await.expect_status(200);
    assert_eq!(granted(&answer), Some("https://x.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    preflight(&app.client(), "https://x.example").await.expect_status(200);
    assert_eq!(upstream.requests().iter().filter(|seen| seen.method == "OPTIONS").count(), 1, "it is asked itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_granted_to_listed_origins_when_configured() {
    let config = format!("{PRODUCTION}{LISTED}credentials = true\n");
    let (_upstream, app) = in_front(&config).await;
    for answer in [preflight(&app.client(), OWN).await, call(&app.client(), "/echo", OWN).await] {
        assert_eq!((granted(&answer), answer.header("access-control-allow-credentials")), (Some(OWN), Some("true")));
    }
    let stranger = call(&app.client(), "/echo", "https://evil.example").await;
    assert_eq!((granted(&stranger), stranger.header("access-control-allow-credentials")), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_application_itself_needs_no_grant() {
    let (upstream, app) = in_front(&format!("{PRODUCTION}{LISTED}")).await;
    let own = Request::post("/echo").header("Host", "shop.example").header("Origin", "https://shop.example");
    let answer = app.client().request(own).await.expect_status(200);
    assert_eq!((granted(&answer), upstream.requests().len()), (None, 1));
}
