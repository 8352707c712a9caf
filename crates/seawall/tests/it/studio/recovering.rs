//! ST-2 and ST-3: what fails and passes is not seen, and what is seen can be tried again by a button.

use super::{Studio, describe, expect_words};
use crate::identity::pages::browser::expect_accessible;

/// As often as Seawall asks a provider by itself.
const ATTEMPTS: usize = 3;

fn without_waiting(config: &str) -> String {
    config.replace("[llm.provider.studio]", "[llm.provider.studio]\nbackoff = \"1ms\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn st_3_feasibility_that_failed_is_tried_again_by_a_button_and_st_2_what_passes_is_not_seen() {
    let Some(mut studio) = Studio::start_with(without_waiting).await else { return };
    let next_calls = studio.scripting();
    let mut page = studio.registered("ann").await;
    next_calls(&["fake-503"; ATTEMPTS]);
    describe(&mut page, "A lamp").await;
    expect_words(&mut page, &["The model is busy. Try again in a moment."]).await;
    expect_accessible(&mut page).await;
    // Of one that passes nobody hears.
    next_calls(&["fake-503"]);
    page.press("Try again").await;
    expect_words(&mut page, &["It can be built"]).await;
    assert!(!page.words().await.contains("busy"), "{}", page.words().await);
    let attempts: Vec<_> = studio.calls().iter().map(|call| call["attempts"].as_u64()).collect();
    assert_eq!(attempts, [Some(2), Some(3)], "ST-2: the latest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_3_a_rejection_can_be_tried_again_or_its_revised_specification_be_used() {
    let Some(mut studio) = Studio::start_with(without_waiting).await else { return };
    let next_calls = studio.scripting();
    let mut page = studio.registered("ann").await;
    describe(&mut page, "A perpetual lamp").await;
    expect_words(&mut page, &["It cannot be built as it is described", "more energy", "a solar panel charges"]).await;
    expect_accessible(&mut page).await;
    next_calls(&["fake-500"; ATTEMPTS]);
    page.press("Try again").await;
    expect_words(&mut page, &["The model gave no answer.", "Use revised specification"]).await;
    page.press("Use revised specification").await;
    expect_words(&mut page, &["A desk lamp with a battery", "It can be built"]).await;
    assert!(!page.words().await.contains("perpetual"), "{}", page.words().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn st_3_a_specification_that_failed_is_tried_again_by_a_button_without_javascript() {
    let Some(mut studio) = Studio::start_with(without_waiting).await else { return };
    let next_calls = studio.scripting();
    let mut page = studio.registered("ann").await;
    page.scripts(false).await;
    // What cannot be read has been answered, so Seawall does not ask again by itself.
    describe(&mut page, "An unlucky lamp").await;
    expect_words(&mut page, &["The model's answer could not be read."]).await;
    page.press("Try again").await;
    page.press("Go on without more questions").await;
    next_calls(&["fake-refusal"]);
    page.press("Write the specification").await;
    expect_words(&mut page, &["The model's answer could not be read."]).await;
    page.press("Try again").await;
    expect_words(&mut page, &["Bill of materials", "Microcontroller"]).await;
}
