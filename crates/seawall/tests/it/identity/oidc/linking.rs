//! Accounts elsewhere that belong to a user: linked, seen and taken away, in JSON and on the pages.

use std::time::Duration;

use serde_json::json;

use super::{
    super::{PASSWORD, cookie, pages},
    Issuer, back, begin, begun, claims, place, session,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_common_links_nothing_and_a_signed_in_user_does() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    for name in ["ann", "bob"] {
        let body = json!({ "name": name, "email": "ann@example.org", "password": PASSWORD });
        place.operator("POST", "/api/users", Some(body)).await.expect_status(201);
    }
    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(403, "not-linked");

    let link = async |name: &str| {
        let own = place.sign_in(name).await;
        let sent = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await.expect_status(200);
        let way = begun(sent.json()["location"].as_str().unwrap(), cookie(&sent));
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        (own, way)
    };
    let (own, way) = link("ann").await;
    // In another session, or in none, it links nothing.
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(403, "issuer-refused");
    let both = format!("{}; {}", way.cookie, own);
    back(&place, "two", &way.asked["state"], &both).await.expect_status(303);
    let (own, way) = link("bob").await;
    let both = format!("{}; {}", way.cookie, own);
    back(&place, "two", &way.asked["state"], &both).await.expect_problem(409, "linked-elsewhere");

    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let answer = back(&place, "two", &way.asked["state"], &way.cookie).await.expect_status(303);
    let who = place.get("/_seawall/auth/session", &session(&answer)).await.json();
    assert_eq!(who["user"]["name"], "ann");
    let own = place.sign_in("ann").await;
    clock.advance(Duration::from_secs(301));
    let old = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await;
    old.expect_problem(401, "confirm-your-identity");
    place.operator("POST", "/api/users/ann/disable", None).await.expect_status(200);
    let way = begin(&place, "two").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    back(&place, "two", &way.asked["state"], &way.cookie).await.expect_problem(401, "sign-in-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_elsewhere_are_seen_and_taken_away_but_for_the_last_way_of_signing_in() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let way = begin(&place, "one").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let own = session(&back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303));
    place.get("/_seawall/auth/links", "").await.expect_problem(401, "not-signed-in");
    let seen = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let (id, subject) = (seen["data"][0]["id"].as_str().unwrap(), &seen["data"][0]["subject"]);
    assert_eq!((subject, &seen["data"][0]["issuer"]), (&json!("s1"), &json!(issuer.url)));
    let path = format!("/_seawall/auth/links/{id}");
    place.ask("DELETE", &path, &own, None).await.expect_problem(409, "invalid-input");
    place.ask("DELETE", "/_seawall/auth/links/none", &own, None).await.expect_problem(404, "invalid-input");

    let who = place.get("/_seawall/auth/session", &own).await.json()["user"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/users/{who}/links");
    assert_eq!(place.operator("GET", &path, None).await.expect_status(200).json(), seen);
    let remove = format!("{path}/remove");
    place.operator("POST", &remove, Some(json!({ "link": "none" }))).await.expect_status(404);
    let removed = place.operator("POST", &remove, Some(json!({ "link": id }))).await.expect_status(200);
    assert_eq!(removed.json(), json!({ "removed": 1 }));
    assert_eq!(place.get("/_seawall/auth/links", &own).await.json()["data"], json!([]), "the session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_page_a_linked_account_is_seen_and_unlinked_but_for_the_last_way_of_signing_in() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let way = begin(&place, "one").await;
    issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
    let own = session(&back(&place, "one", &way.asked["state"], &way.cookie).await.expect_status(303));
    let links = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let id = links["data"][0]["id"].as_str().unwrap().to_owned();
    let part = pages::page("account/elsewhere");
    let shown = place.get(&part, &own).await.expect_status(200).text();
    assert!(shown.contains("<dd>s1</dd>") && shown.contains(&id), "{shown}");
    let last = place.post_form("account/elsewhere/unlink", &own, &[("id", &id)]).await.expect_status(409);
    assert!(last.text().contains("only way to sign in"), "{}", last.text());

    let bob = json!({ "name": "bob", "password": PASSWORD });
    place.operator("POST", "/api/users", Some(bob)).await.expect_status(201);
    let own = place.sign_in("bob").await;
    let sent = place.ask("POST", "/_seawall/auth/oidc/two/link", &own, Some(json!({}))).await.expect_status(200);
    let way = begun(sent.json()["location"].as_str().unwrap(), cookie(&sent));
    let mut his = claims(&issuer, &clock, &way.asked["nonce"]);
    his["sub"] = json!("s2");
    issuer.gives(issuer.sign(&his));
    back(&place, "two", &way.asked["state"], &format!("{}; {own}", way.cookie)).await.expect_status(303);
    let links = place.get("/_seawall/auth/links", &own).await.expect_status(200).json();
    let id = links["data"][0]["id"].as_str().unwrap().to_owned();
    let done = place.post_form("account/elsewhere/unlink", &own, &[("id", &id)]).await.expect_status(303);
    let shown = place.get(done.header("location").unwrap(), &own).await.expect_status(200).text();
    assert!(shown.contains("it signs nobody in here any more") && shown.contains("You have linked none."), "{shown}");
}
