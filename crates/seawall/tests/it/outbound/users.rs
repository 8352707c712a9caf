//! For whom a call is made.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};

use crate::identity::{CONFIGURATION, Place};

async fn call_for(place: &Place, token: &str) -> RawResponse {
    place.app.outbound_client().request(Request::get("/out/api/echo").header("X-Seawall-Token", token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_names_the_user_for_whom_it_is_made() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let people = CONFIGURATION.replace("enabled = true", "enabled = true\nsigned = true");
    let config = format!("{people}\n[outbound.api]\nurl = \"{}\"", upstream.url());
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).with_clock(Arc::clone(&clock) as _);
    let place = Place { upstream, app: app.start().await };
    place.add("ann", &[]).await;
    let cookie = place.sign_in("ann").await;
    place.app.client().request(Request::get("/private/a").header("Cookie", cookie)).await.expect_status(200);
    let token = place.upstream.requests().pop().unwrap().header("x-seawall-token").unwrap().to_owned();
    call_for(&place, &token).await.expect_status(200);
    assert_eq!(place.upstream.requests().pop().unwrap().header("x-seawall-token"), None, "it stays here");
    let mut other = token.clone();
    other.replace_range(..1, "f");
    let cut = token.rsplit_once('.').unwrap().0.to_owned();
    for forged in [other, cut, "a.b.c".to_owned(), String::new()] {
        call_for(&place, &forged).await.expect_problem(401, "outbound-wrong-user");
    }
    // An answer may take the application long.
    clock.advance(Duration::from_secs(3_500));
    call_for(&place, &token).await.expect_status(200);
    clock.advance(Duration::from_secs(200));
    call_for(&place, &token).await.expect_problem(401, "outbound-wrong-user");
}
