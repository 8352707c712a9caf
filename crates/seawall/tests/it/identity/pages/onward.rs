//! Where browsers are sent that a route does not let in yet, and where they are not.

use seawall_testkit::client::{RawResponse, Request};

use super::{CONFIGURATION, PASSWORD, Place, cookies, page};

/// As a browser asks for a page.
async fn browse(place: &Place, path: &str, cookie: &str) -> RawResponse {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    place.app.client().request(Request::get(path).header("Accept", accept).header("Cookie", cookie)).await
}

fn location(answer: RawResponse) -> String {
    let answer = answer.expect_status(303);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_to_sign_in_and_comes_back_and_a_program_gets_401() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let way = location(browse(&place, "/private/a?b=c&d=%20e", "").await);
    assert_eq!(way, "/_seawall/auth/pages/sign-in?next=/private/a%3Fb%3Dc%26d%3D%2520e");
    let shown = place.get(&way, "").await.expect_status(200).text();
    assert!(shown.contains("name=\"next\" value=\"/private/a?b=c&amp;d=%20e\""), "{shown}");
    let line = place.app.request_line("/private/a").await;
    assert_eq!((&line["http.status"], &line["problem"]), (&303.into(), &"not-signed-in".into()), "{line}");

    place.app.client().get("/private/a").await.expect_problem(401, "not-signed-in");
    let json = Request::get("/private/a").header("Accept", "application/json, text/html;q=0.5");
    place.app.client().request(json).await.expect_problem(401, "not-signed-in");
    let posted = Request::post("/private/a").header("Accept", "text/html");
    let posted = place.app.client().request(posted).await.expect_status(401);
    assert_eq!(posted.header("location"), None, "what was posted would be lost");
    browse(&place, "/hidden/a", "").await.expect_status(404);
    let ann = place.sign_in_on_page("ann").await;
    browse(&place, "/admin/a", &ann).await.expect_status(403);
    browse(&place, "/_seawall/auth/session", "").await.expect_status(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_whose_proof_is_too_old_or_too_little_is_sent_to_confirm() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let ann = place.sign_in_on_page("ann").await;
    let way = location(browse(&place, "/instant/a", &ann).await);
    assert_eq!(way, "/_seawall/auth/pages/confirm?next=/instant/a");
    let shown = place.get(&way, &ann).await.expect_status(200).text();
    assert!(shown.contains("<strong>ann</strong>") && shown.contains("current-password"), "{shown}");
    let wrong = place.post_form("confirm", &ann, &[("password", "wrong"), ("next", "/instant/a")]).await;
    assert!(wrong.expect_status(403).text().contains("The current password is wrong"));
    place.post_form("confirm", &ann, &[]).await.expect_status(422);
    let confirmed = place.post_form("confirm", &ann, &[("password", PASSWORD), ("next", "/private/b")]).await;
    assert_eq!(confirmed.header("location"), Some("/private/b"));
    let ann = cookies(&confirmed.expect_status(303));
    place.get("/private/b", &ann).await.expect_status(200);

    let way = location(browse(&place, "/strong/a", &ann).await);
    assert_eq!(way, "/_seawall/auth/pages/confirm?need=second-factor&next=/strong/a");
    let shown = place.get(&way, &ann).await.expect_status(200).text();
    assert!(shown.contains("href=\"/_seawall/auth/pages/account/factors?next=/strong/a\""), "{shown}");
    place.app.client().get("/strong/a").await.expect_problem(401, "not-signed-in");
    place.get("/strong/a", &ann).await.expect_problem(403, "second-factor-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_to_another_host() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/a\r\nX: y",
        "",
    ] {
        let fields = [("name", "ann"), ("password", PASSWORD), ("next", next)];
        let way = location(place.post_form("sign-in", "", &fields).await);
        assert_eq!(way, "/_seawall/auth/pages/account", "{next:?}");
    }
    let shown = place.get(&page("sign-in?next=//evil.example"), "").await.expect_status(200).text();
    assert!(!shown.contains("evil"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_has_a_page_of_its_own_browsers_are_sent_there() {
    let place =
        Place::with(&CONFIGURATION.replace("enabled = true", "enabled = true\nsign_in_page = \"/login\"")).await;
    assert_eq!(location(browse(&place, "/private/a", "").await), "/login?return_to=/private/a");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pages_there_are_none_and_browsers_get_401() {
    let place = Place::with(&format!("{CONFIGURATION}\n[identity.pages]\nenabled = false\n")).await;
    place.add("ann", &[]).await;
    for name in ["sign-in", "register", "account", "confirm", "forgot", "sign-out"] {
        place.get(&page(name), "").await.expect_problem(404, "not-found");
    }
    let fields = [("name", "ann"), ("password", PASSWORD)];
    place.post_form("sign-in", "", &fields).await.expect_problem(404, "not-found");
    browse(&place, "/private/a", "").await.expect_status(401);
    // Links in mail go on leading somewhere.
    place.get("/_seawall/auth/reset", "").await.expect_status(200);
    let refused =
        place.post_form("reset", "", &[("token", "x"), ("password", PASSWORD)]).await.expect_status(403).text();
    assert!(refused.contains("The token does not hold"), "{refused}");
}
