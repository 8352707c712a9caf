//! From a description to a specification: ST-6, ST-7, ST-9 and ST-10.

use serde_json::json;

use super::{Studio, describe, expect_words, until_counted};
use crate::identity::pages::browser::expect_accessible;

/// Questions of a conversation.
const ROUNDS: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn st_6_five_questions_are_asked_and_the_flow_goes_on_without_an_error() {
    let Some(mut studio) = Studio::start().await else { return };
    let mut page = studio.registered("ann").await;
    describe(&mut page, "A lamp that follows the sun").await;
    expect_words(&mut page, &["It can be built"]).await;
    page.press("Ask me").await;
    for round in 1..=ROUNDS {
        until_counted(&mut page).await;
        expect_words(&mut page, &["1,000 left"]).await;
        let last = page.words().await.contains("This is the last question.");
        assert_eq!(last, round == ROUNDS, "{}", page.words().await);
        page.fill("answer", "As small as a matchbox").await;
        page.press("Answer").await;
    }
    expect_words(&mut page, &["Blueprints", "Specification", "As small as a matchbox"]).await;
    assert_eq!(page.evaluate("document.querySelector('.alert, textarea')").await, json!(null), "no error, no question");
    assert_eq!(studio.calls().len(), 6, "whether it can be built, and five questions");
}

/// What a project was called before it was known: its id.
fn project(path: &str) -> &str {
    path.strip_prefix("/projects/").expect("the page of a project")
}

#[tokio::test(flavor = "multi_thread")]
async fn st_9_an_image_that_takes_too_long_says_so_and_is_drawn_again_and_st_7_all_of_it_is_recorded() {
    let Some(mut studio) =
        Studio::start_with(|config| config.replace("image_timeout = \"60s\"", "image_timeout = \"1s\"")).await
    else {
        return;
    };
    let next_calls = studio.scripting();
    let mut page = studio.registered("ann").await;
    describe(&mut page, "A sketchy lamp that follows the sun").await;
    page.press("Go on without more questions").await;
    next_calls(&["fake-hang"]);
    page.press("Draw it").await;
    expect_words(&mut page, &["Image generation timed out"]).await;
    let seen = "[...document.images].filter((one) => one.complete && one.naturalWidth > 0).length";
    assert_eq!((page.evaluate("document.images.length").await, page.evaluate(seen).await), (json!(2), json!(2)));
    expect_accessible(&mut page).await;
    page.press("Draw again").await;
    assert_eq!(page.evaluate(seen).await, json!(3));
    assert!(!page.words().await.contains("timed out"), "{}", page.words().await);

    page.press("Write the specification").await;
    // ST-10: what a model left out is said to be missing, and the rest is shown.
    expect_words(&mut page, &["Prototype 1", "The specification has no bill of materials.", "Solder the board."]).await;
    expect_accessible(&mut page).await;
    // Three pictures cost 0.12 dollars, one that never came nothing, and the texts a little.
    expect_words(&mut page, &["Cost so far: $0.1", "6 calls of models."]).await;
    let path = page.path().await;

    let user = studio.audited("user.added")[0]["object"]["id"].clone();
    let calls = studio.calls();
    assert_eq!(calls.len(), 6, "{calls:?}");
    for call in &calls {
        assert_eq!((call["project"].as_str(), &call["user"]), (Some(project(&path)), &user), "{call}");
        assert!(call["model"] == "fake-studio" && call["duration_us"].as_i64() > Some(0), "{call}");
        assert!(call["input_tokens"].as_i64() > Some(0) && call["status"].is_i64(), "{call}");
    }
    let late: Vec<_> = calls.iter().filter(|call| call["outcome"] == "failed").collect();
    assert_eq!((late.len(), &late[0]["status"]), (1, &json!(504)), "{late:?}");
}
