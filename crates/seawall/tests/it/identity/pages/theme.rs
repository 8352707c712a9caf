//! What pages look like: the operator's name, colour, logo and stylesheet, and what browsers may keep.

use std::fs;

use seawall_testkit::{
    TemporaryDirectory, TestApp,
    upstream::{Kind, Upstream},
};

use super::{CONFIGURATION, Place, page};
use crate::cli::binary::Place as Binary;

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_name_colour_logo_and_stylesheet_are_shown() {
    let directory = TemporaryDirectory::new();
    fs::write(directory.path().join("logo.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>")
        .unwrap();
    fs::write(directory.path().join("own.css"), "h1 { letter-spacing: 0.1em; }").unwrap();
    let theme = "[identity.pages]\ntitle = \"Fish & Co\"\ncolour = \"#ffcc00\"\nlogo_file = \"logo.svg\"\nstylesheet_file = \"own.css\"\n";
    let upstream = Upstream::start(Kind::ByPath).await;
    let app =
        TestApp::in_front_of(upstream.url()).with_config(&format!("{CONFIGURATION}\n{theme}")).in_directory(directory);
    let app = app.start().await;
    let shown = app.client().get(&page("sign-in")).await.expect_status(200).text();
    assert!(shown.contains("<title>Sign in – Fish &amp; Co</title>"), "{shown}");
    let address = |before: &str| shown.split_once(before).unwrap().1.split('"').next().unwrap().to_owned();
    let style = app.client().get(&address("<link rel=\"stylesheet\" href=\"")).await.expect_status(200);
    assert_eq!(style.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    let text = style.text();
    assert!(text.starts_with(":root{--button:#ffcc00;--on-button:#000000}"), "{text}");
    assert!(text.contains("h1 { letter-spacing: 0.1em; }"), "{text}");
    let logo = app.client().get(&address("<img src=\"")).await.expect_status(200);
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert!(logo.header("content-security-policy").unwrap().contains("sandbox"), "a script in it does not run");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stylesheet_has_another_address_when_it_changes() {
    let address = async |more: &str| {
        let place = Place::with(&format!("{CONFIGURATION}\n{more}")).await;
        let shown = place.get(&page("sign-in"), "").await.text();
        shown.split_once("<link rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    let (plain, again) = (address("").await, address("").await);
    assert_eq!(plain, again);
    assert_ne!(plain, address("[identity.pages]\ncolour = \"#123456\"\n").await);
}

#[test]
fn a_file_that_cannot_be_shown_is_said_before_the_start() {
    for (key, file) in [("logo_file", "logo.svg"), ("logo_file", "logo.exe"), ("stylesheet_file", "own.css")] {
        let theme = format!("[identity]\nenabled = true\n\n[identity.pages]\n{key} = \"{file}\"\n");
        let said = Binary::with_config(&theme).seawall(&["check"]).refused(64);
        assert!(said.contains(&format!("{key} in [identity.pages] names ")) && said.contains(file), "{said}");
    }
    let large = "a".repeat(256 * 1024 + 1);
    let place = Binary::with_config("[identity]\nenabled = true\n\n[identity.pages]\nstylesheet_file = \"own.css\"\n");
    let said = place.with_file("own.css", &large).seawall(&["check"]).refused(64);
    assert!(said.contains("it is larger than 256 KiB"), "{said}");
}
