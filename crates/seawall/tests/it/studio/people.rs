//! ST-1 and ST-4: people who come with the passwords of another system, and sessions that slide.

use serde_json::json;

use super::{Studio, expect_words};
use crate::identity::{PASSWORD, pages::browser::sign_in};

/// A password, and what another system kept of it.
const OF_BCRYPT: &str = "correct horse 7";
const BCRYPT: &str = "$2b$04$bATWMjH1HR4mv2hZudkBnOX1WqSgLgOR94.3GbzukrZc3Mg6OXi2.";

/// Seven days.
const WEEK_US: u64 = 7 * 24 * 60 * 60 * 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn st_1_legacy_passwords_sign_people_in_and_are_replaced_by_hashes() {
    let Some(mut studio) = Studio::start().await else { return };
    let users = format!("id,username,password\n1,ann,plain:{PASSWORD}\n2,bob,{BCRYPT}\n");
    std::fs::write(studio.place.path().join("users.csv"), users).expect("the file can be written");
    studio.place.seawall(&["import", "users", "users.csv"]).ok();
    let url = studio.at("/");
    let mut page = studio.browser.visitor().await;
    page.go(&url).await;
    assert_eq!(page.path().await, "/_seawall/auth/pages/sign-in?next=/");
    sign_in(&mut page, "ann").await;
    assert_eq!(page.path().await, "/");
    expect_words(&mut page, &["Your projects", "Sign out"]).await;
    let kept = |name| std::fs::read(studio.place.path().join(".seawall").join(name)).expect("the store");
    let stored = [kept("seawall.db"), kept("seawall.db-wal")].concat();
    assert!(
        !stored.windows(PASSWORD.len()).any(|bytes| bytes == PASSWORD.as_bytes()),
        "nobody has to sign in for that"
    );
    let mut page = studio.browser.visitor().await;
    page.go(&url).await;
    page.fill("name", "bob").await;
    page.fill("password", OF_BCRYPT).await;
    page.enter().await;
    assert_eq!(page.path().await, "/");
    assert_eq!(studio.audited("user.hash_upgraded").len(), 1, "what bob came with is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_4_a_session_ends_after_seven_days_without_use_and_at_once_where_it_is_ended() {
    let Some(mut studio) = Studio::start().await else { return };
    let (url, out) = (studio.at("/"), studio.at("/_seawall/auth/pages/sign-out"));
    let mut page = studio.registered("ann").await;
    page.go(&out).await;
    page.press("Sign out").await;
    page.go(&url).await;
    assert_eq!(page.path().await, "/_seawall/auth/pages/sign-in?next=/");
    assert_eq!(studio.audited("session.began")[0]["after"]["idle_us"], json!(WEEK_US));
}
