//! An issuer that fails, or says nothing.

use std::time::Duration;

use super::{Issuer, begin, place};

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_away_is_asked_once_in_a_while_and_its_keys_hold() {
    let issuer = Issuer::start().await;
    issuer.shared().away = true;
    let (place, clock) = place(&issuer).await;
    let asked = || issuer.shared().asked;
    for _ in 0..3 {
        place.get("/_seawall/auth/oidc/one", "").await.expect_problem(503, "issuer-unavailable");
    }
    assert_eq!(asked(), 1, "who comes after is told what the first was");
    issuer.shared().away = false;
    clock.advance(Duration::from_secs(6));
    begin(&place, "one").await;
    issuer.shared().away = true;
    assert_eq!(asked(), 2);
    // It is asked beside, which `oidc/kept.rs` counts.
    for _ in 0..3 {
        clock.advance(Duration::from_secs(7 * 3_600));
        begin(&place, "one").await;
    }
    clock.advance(Duration::from_secs(7 * 3_600));
    place.get("/_seawall/auth/oidc/one", "").await.expect_problem(503, "issuer-unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_keeps_nobody_waiting() {
    let issuer = Issuer::start().await;
    let (place, _clock) = place(&issuer).await;
    issuer.task.abort();
    let answer = place.get("/_seawall/auth/oidc/one", "").await;
    answer.expect_problem(503, "issuer-unavailable");
    assert!(answer.header("retry-after").is_some());
}
