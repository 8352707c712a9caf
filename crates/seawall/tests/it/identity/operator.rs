//! The operators' key for scripts.

use seawall_testkit::client::{RawResponse, Request};

use super::Place;

const KEY: &str = "a-key-of-operators-in-this-test";

async fn asks(place: &Place, name: &str, value: &str) -> RawResponse {
    place.app.admin_client().request(Request::get("/api/users").header(name, value)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_8_the_operators_key_opens_the_admin_interface_and_guessing_is_paused() {
    let place = Place::with(&format!("[identity]\nenabled = true\n[admin]\nkey = \"{KEY}\"\n")).await;
    asks(&place, "X-Admin-Key", KEY).await.expect_status(200);
    for wrong in ["", "a", &KEY[1..], &KEY.to_uppercase(), &format!("{KEY}x")] {
        let refused = asks(&place, "X-Admin-Key", wrong).await;
        assert_eq!(refused.json()["code"], "UNAUTHORIZED", "{wrong}");
    }
    let paused = asks(&place, "X-Admin-Key", KEY).await.expect_status(429);
    assert_eq!(paused.json()["type"], "/problems/admin-key-paused");
    let seconds: u64 = paused.header("retry-after").unwrap().parse().unwrap();
    assert!((840..=900).contains(&seconds), "{seconds}");
    asks(&place, "Authorization", &format!("Bearer {}", place.app.admin_token())).await.expect_status(200);
    assert!(place.app.metric("seawall_admin_key_refusals", &["wrong"]) >= 5.0);
    // It is for operators, and opens nothing in front of the application.
    place.app.client().request(Request::get("/api/users").header("X-Admin-Key", KEY)).await.expect_status(200);
    let config = place.operator("GET", "/api/config", None).await.expect_status(200);
    assert!(!String::from_utf8_lossy(&config.body).contains(KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_8_without_a_key_in_the_configuration_none_opens_anything() {
    let place = Place::new().await;
    for guessed in ["", "admin", "changeme", &place.app.admin_token()] {
        assert_eq!(asks(&place, "X-Admin-Key", guessed).await.status, 401, "{guessed}");
    }
}
