//! Tokens of pages: where a route asks for one, a page gets it for its session, and no other holds.

use seawall_testkit::client::{RawResponse, Request};

use super::{CONFIGURATION, Place};

async fn token(place: &Place, cookie: &str) -> String {
    let answer = place.get("/_seawall/auth/csrf-token", cookie).await.expect_status(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn pay(place: &Place, cookie: &str, token: &str) -> RawResponse {
    let request = Request::post("/pay").header("Cookie", cookie).header("Sec-Fetch-Site", "same-origin");
    place.app.client().request(request.header("X-CSRF-Token", token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_7_a_route_takes_the_token_of_the_session_and_no_other() {
    let place = Place::with(&format!("{CONFIGURATION}\n[route.\"/pay\"]\ncsrf.require = \"token\"\n")).await;
    place.add("ann", &[]).await;
    place.add("bob", &[]).await;
    let (ann, bob) = (place.sign_in("ann").await, place.sign_in("bob").await);
    let (own, again, other) = (token(&place, &ann).await, token(&place, &ann).await, token(&place, &bob).await);
    assert_ne!(own, again);
    for good in [&own, &again] {
        pay(&place, &ann, good).await.expect_status(200);
    }
    for bad in ["", &own[1..], &other] {
        pay(&place, &ann, bad).await.expect_problem(403, "csrf-token-refused");
    }
    place.ask("POST", "/pay", &ann, None).await.expect_problem(403, "csrf-token-refused");
    place.ask("POST", "/pay", "theme=dark", None).await.expect_problem(403, "csrf-token-refused");
    place.app.client().request(Request::post("/pay")).await.expect_status(200);
    // Another session of the same user has tokens of its own, and one that has ended has none.
    let second = place.sign_in("ann").await;
    pay(&place, &second, &own).await.expect_problem(403, "csrf-token-refused");
    place.ask("POST", "/_seawall/auth/sign-out", &ann, None).await;
    pay(&place, &ann, &own).await.expect_problem(403, "csrf-token-refused");
    place.get("/_seawall/auth/csrf-token", &ann).await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_does_nothing_with_a_session_of_seawalls() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let ann = place.sign_in("ann").await;
    let foreign = |method: &'static str| {
        let request = Request::new(method, "/private/a").header("Cookie", &*ann).header("Sec-Fetch-Site", "cross-site");
        request.header("Origin", "https://evil.example")
    };
    let before = place.upstream.requests().len();
    place.app.client().request(foreign("POST")).await.expect_problem(403, "cross-site-refused");
    assert_eq!(place.upstream.requests().len(), before);
    place.app.client().request(foreign("GET")).await.expect_status(200);
}
