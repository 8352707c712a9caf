//! A real browser through Seawall: ordinary pages lose nothing, and problems can be read.

use std::process::Command;

use seawall_testkit::{TemporaryDirectory, in_front};

use crate::{
    applications::{
        child::Child,
        tools::{program, skip},
    },
    cli::binary::Place,
};

/// No sandbox, because tests run as root in containers; nothing that talks to the network by itself.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Time in the page runs ahead once nothing is loading, so that what it does after loading is seen too.
    "--virtual-time-budget=5000",
];

/// The page at this URL, as it is once it has loaded and its scripts have run; nothing where there is no browser.
fn page(url: &str) -> Option<String> {
    let Some(browser) = program(&["chromium", "chromium-browser", "google-chrome"]) else {
        skip("Chromium is not installed");
        return None;
    };
    let profile = TemporaryDirectory::new();
    let mut command = Command::new(browser);
    command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("--dump-dom").arg(url);
    let mut child = Child::start(command);
    assert_eq!(child.ended(), Some(0), "{child}");
    Some(child.out())
}

fn title(page: &str) -> &str {
    let inside = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    inside.map(|(title, _)| title).unwrap_or_default()
}

/// Loads the page with a hundred assets and an inline script; gives its title and how many assets came through.
async fn assets(toml: &str) -> Option<(String, usize)> {
    let (upstream, app) = in_front(toml).await;
    let page = page(&format!("http://{}/page", app.public()))?;
    let assets = upstream.requests().iter().filter(|request| request.target.starts_with("/asset/")).count();
    Some((title(&page).to_owned(), assets))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_hundred_assets_loads_through_the_defaults() {
    let Some(loaded) = assets("").await else { return };
    assert_eq!(loaded, ("loaded 100 failed 0".to_owned(), 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_hundred_assets_loads_through_the_preset_for_browsers() {
    let Some(loaded) = assets("preset = \"browser-app\"\nenvironment = \"production\"\n").await else { return };
    assert_eq!(loaded, ("loaded 100 failed 0".to_owned(), 100));
}

/// What the tests above would see if the defaults blocked what a page loads.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_blocks_is_seen_to_block() {
    let Some(loaded) = assets("security_headers.csp_html = \"default-src 'none'\"\n").await else { return };
    assert_eq!(loaded, ("loading".to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_a_page_that_people_can_read() {
    let (_upstream, app) = in_front("environment = \"production\"\n").await;
    let Some(page) = page(&format!("http://{}/a%2Fb", app.public())) else { return };
    let line = app.request_line("/a%2Fb").await;
    let id = line["request.id"].as_str().expect("the line has the id");
    assert_eq!((title(&page), &line["problem"]), ("The path can be read in two ways", &"invalid-path".into()));
    for part in [
        "<h1>The path can be read in two ways</h1>",
        "<p>The path holds an encoded slash or a backslash.</p>",
        &format!("Status 400. If you ask for help, name this request: <code>{id}</code>"),
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    assert!(!page.contains("Shown in development only"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_came_too_often_is_told_when_to_come_back() {
    let (_upstream, app) = in_front("[rate_limit]\nlimits = [\"1/h per ip\"]\n").await;
    app.client().get("/html").await.expect_status(200);
    let Some(page) = page(&format!("http://{}/html", app.public())) else { return };
    assert_eq!(title(&page), "Too many requests");
    assert!(page.contains("<p>Try again in 3") && page.contains(" seconds.</p>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstrations_page_shows_what_the_application_is_told() {
    let place = Place::new();
    let mut server = place.serve(&["demo"]);
    let Some(page) = page(&format!("http://{}/", server.address())) else { return };
    assert_eq!(title(&page), "A careless sample application");
    assert!(
        page.contains("\"x-forwarded-for\": \"127.0.0.1\""),
        "its inline script ran and its request was answered: {page}"
    );
    assert_eq!(server.terminate(), Some(0));
}
