//! ST-5 and ST-10: how long a description may be, and the list of projects.

use serde_json::json;

use super::{Studio, cookies, describe, expect_words, form, until_counted};
use crate::identity::pages::browser::expect_accessible;

/// Characters of a description.
const MOST: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn st_5_a_counter_tells_what_is_left_of_2000_characters_and_more_do_not_get_in() {
    let Some(mut studio) = Studio::start().await else { return };
    let (client, at) = (studio.client(), studio.at("/"));
    let mut page = studio.registered("ann").await;
    expect_accessible(&mut page).await;
    until_counted(&mut page).await;
    expect_words(&mut page, &["2,000 left"]).await;
    page.fill("description", "A lamp\n☀").await;
    // A form sends the end of a line as two characters.
    expect_words(&mut page, &["1,991 left"]).await;
    page.write(&"a".repeat(MOST - 8)).await;
    expect_words(&mut page, &["1 too many"]).await;
    page.press_here("Begin").await;
    assert_eq!(page.path().await, "/", "the browser holds it back");

    // Whoever passes by the page meets Seawall.
    let cookie = cookies(&mut page).await;
    let post = async |count: usize| client.request(form("/projects", &cookie, "description", &"b".repeat(count))).await;
    let problem = post(MOST + 1).await.expect_problem(400, "validation-failed");
    assert_eq!(problem["errors"][0]["field"], "/description", "{problem}");
    post(0).await.expect_problem(400, "validation-failed");
    client.request(form("/projects", &cookie, "description", "   ")).await.expect_problem(400, "validation-failed");
    page.scripts(false).await;
    page.go(&at).await;
    expect_words(&mut page, &["At most 2,000 characters."]).await;
    page.fill("description", &"a".repeat(MOST + 1)).await;
    page.press("Begin").await;
    expect_words(&mut page, &["Status 400"]).await;
    page.go(&at).await;
    expect_words(&mut page, &["There are none."]).await;
    describe(&mut page, &"a".repeat(MOST)).await;
    expect_words(&mut page, &["It can be built"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_10_projects_are_listed_in_pages_and_deleted_by_their_owner_alone() {
    let Some(mut studio) = Studio::start_with(|config| config.replace("10/min per user", "100/min per user")).await
    else {
        return;
    };
    let (client, at) = (studio.client(), studio.at("/"));
    let mut page = studio.registered("ann").await;
    let cookie = cookies(&mut page).await;
    for number in 1..=12 {
        let request = form("/projects", &cookie, "description", &format!("Lamp {number}."));
        client.request(request).await.expect_status(303);
    }
    page.go(&at).await;
    let listed = "[...document.querySelectorAll('.projects a')].map((one) => one.innerText)";
    let first: Vec<_> = (3..=12).rev().map(|number| format!("Lamp {number}.")).collect();
    assert_eq!(page.evaluate(listed).await, json!(first));
    page.tab_to("[rel=next]").await;
    page.enter().await;
    assert_eq!(page.evaluate(listed).await, json!(["Lamp 2.", "Lamp 1."]));
    assert_eq!(page.evaluate("document.querySelector('[rel=next]')").await, json!(null));
    page.tab_to(".projects a").await;
    page.enter().await;
    let path = page.path().await;

    let mut other = studio.registered("bob").await;
    expect_words(&mut other, &["There are none."]).await;
    let stranger = cookies(&mut other).await;
    client.request(form(&format!("{path}/delete"), &stranger, "", "").body("")).await.expect_status(303);
    let again = format!("{}{path}", at.trim_end_matches('/'));
    other.go(&again).await;
    expect_words(&mut other, &["There is no such project"]).await;

    client.request(form(&format!("{path}/delete"), &cookie, "", "").body("")).await.expect_status(303);
    let mine = client.request(seawall_testkit::client::Request::get(&*path).header("Cookie", &*cookie)).await;
    assert_eq!(mine.status, 404, "it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_10_a_project_is_deleted_on_its_page() {
    let Some(mut studio) = Studio::start().await else { return };
    let mut page = studio.registered("ann").await;
    describe(&mut page, "A lamp").await;
    page.tab_to(".end a").await;
    page.enter().await;
    expect_accessible(&mut page).await;
    page.press("Delete for good").await;
    assert_eq!(page.path().await, "/");
    expect_words(&mut page, &["There are none."]).await;
}
