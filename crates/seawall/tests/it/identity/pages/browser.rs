//! Pages in a real browser: all of an account's life, by keys alone, with and without JavaScript, and what anybody needs to read them.

use std::net::SocketAddr;

use seawall_testkit::{
    TemporaryDirectory, TestApp,
    browser::{Browser, Page},
    tls::Authority,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::{CONFIGURATION, PASSWORD, Place, page};
use crate::{
    applications::tools::{program, skip},
    identity::totp,
};

/// What must hold of every page; answers what does not.
const ACCESSIBLE: &str = include_str!("accessible.js");

pub(crate) async fn browser() -> Option<Browser> {
    browser_with(&[]).await
}

/// One that knows where these hosts are.
pub(super) async fn browser_with(hosts: &[(&str, SocketAddr)]) -> Option<Browser> {
    let Some(program) = program(&["chromium", "chromium-browser", "google-chrome"]) else {
        skip("Chromium is not installed");
        return None;
    };
    Some(Browser::start_with(&program, hosts).await)
}

/// Everybody can read the page, in both colour schemes, and the focus is seen.
pub(crate) async fn expect_accessible(page: &mut Page<'_>) {
    let path = page.path().await;
    page.tab().await;
    for scheme in ["light", "dark"] {
        let feature = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.call("Emulation.setEmulatedMedia", feature).await;
        assert_eq!(page.evaluate(ACCESSIBLE).await, json!([]), "{path} in {scheme}");
    }
    let seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(seen, "solid", "the focus is seen on {path}");
}

/// Fills in the form where people sign in.
pub(crate) async fn sign_in(page: &mut Page<'_>, name: &str) {
    page.fill("name", name).await;
    page.fill("password", PASSWORD).await;
    page.enter().await;
}

/// Registers, with a password that is refused first.
async fn register(here: &mut Page<'_>, url: &str) {
    here.go(url).await;
    expect_accessible(here).await;
    here.fill("name", "Ann").await;
    here.fill("password", "short").await;
    here.enter().await;
    assert!(here.words().await.contains("This password cannot be taken"));
    expect_accessible(here).await;
    here.fill("password", PASSWORD).await;
    here.enter().await;
}

/// Enrols an app from where second factors are, leaves other sessions, and answers a recovery code.
async fn enrol(here: &mut Page<'_>, url: &str) -> String {
    here.go(url).await;
    here.press("Enrol an app").await;
    expect_accessible(here).await;
    let module = here.evaluate("document.querySelector('svg.code').getBoundingClientRect().width > 100").await;
    assert_eq!(module, true, "the picture is large enough to be read");
    let code = totp(&here.text("document.getElementById('secret').innerText").await);
    here.fill("code", &code).await;
    // Other sessions are for the test to end.
    here.tab_to("[name=end_others]").await;
    here.evaluate("document.activeElement.click()").await;
    here.press("Confirm the app").await;
    expect_accessible(here).await;
    let recovery = here.text("document.querySelector('#codes code').innerText").await;
    assert_eq!(recovery.len(), 29, "{recovery}");
    recovery
}

/// The names of the cookies, each of which scripts do not see and other sites do not send.
pub(super) async fn cookie_names(page: &mut Page<'_>, secure: bool) -> Vec<String> {
    let mut names = Vec::new();
    for cookie in page.cookies().await {
        assert_eq!(
            (&cookie["httpOnly"], &cookie["sameSite"], &cookie["secure"], &cookie["path"]),
            (&Value::Bool(true), &"Lax".into(), &Value::Bool(secure), &"/".into()),
            "{cookie}"
        );
        names.push(cookie["name"].as_str().unwrap().to_owned());
    }
    names.sort();
    let kept = "[localStorage.length, sessionStorage.length, document.cookie]";
    assert_eq!(page.evaluate(kept).await, json!([0, 0, ""]), "nothing is kept where scripts read");
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_registers_enrols_a_second_factor_ends_another_session_and_signs_out() {
    let Some(mut browser) = browser().await else { return };
    let directory = TemporaryDirectory::new();
    Authority::new().issue(&["127.0.0.1"]).write(directory.path(), "main");
    let upstream = Upstream::start(Kind::ByPath).await;
    let configuration = format!("{CONFIGURATION}\n[tls.main]\ncertificate = \"main.pem\"\nkey = \"main.key\"\n");
    let app = TestApp::in_front_of(upstream.url()).with_config(&configuration).in_directory(directory).start().await;
    let at = |path: &str| format!("https://{}{path}", app.public());
    let (desk, phone) = (browser.new_visitor().await, browser.new_visitor().await);

    let mut here = browser.page(&*desk);
    here.go(&at("/private/html")).await;
    assert_eq!(here.path().await, "/_seawall/auth/pages/sign-in?next=/private/html");
    expect_accessible(&mut here).await;
    register(&mut here, &at(&page("register"))).await;
    assert_eq!(here.path().await, page("account"));
    let own = ["__Host-seawall", "__Host-seawall-device", "__Host-seawall-form"];
    assert_eq!(cookie_names(&mut here, true).await, own);

    let mut there = browser.page(&*phone);
    there.go(&at("/private/html")).await;
    sign_in(&mut there, "ann").await;
    assert_eq!(there.path().await, "/private/html");

    let mut here = browser.page(&*desk);
    for name in ["account", "account/password", "account/keys", "account/devices", "account/organisations"] {
        here.go(&at(&page(name))).await;
        expect_accessible(&mut here).await;
    }
    let recovery = enrol(&mut here, &at(&page("account/factors"))).await;
    here.go(&at(&page("account/sessions"))).await;
    expect_accessible(&mut here).await;
    here.press("End\n").await;
    assert!(here.words().await.contains("what you ended is signed out"));
    let mut there = browser.page(&*phone);
    there.go(&at("/private/html")).await;
    assert_eq!(
        there.path().await,
        "/_seawall/auth/pages/sign-in?next=/private/html",
        "the other browser is signed out"
    );
    sign_in(&mut there, "ann").await;
    assert_eq!(there.path().await, "/_seawall/auth/pages/sign-in/code?next=/private/html");
    expect_accessible(&mut there).await;
    there.fill("code", &recovery).await;
    there.enter().await;
    assert_eq!(there.path().await, "/private/html");

    let mut here = browser.page(&*desk);
    here.go(&at(&page("sign-out"))).await;
    expect_accessible(&mut here).await;
    here.press("Sign out").await;
    assert!(here.words().await.contains("You are signed out."));
    assert_eq!(cookie_names(&mut here, true).await, ["__Host-seawall-device", "__Host-seawall-form"]);
    here.go(&at(&page("account"))).await;
    assert!(here.path().await.contains("/sign-in?next="), "{}", here.path().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_and_without_a_mouse_people_sign_in_confirm_and_sign_out() {
    let Some(mut browser) = browser().await else { return };
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let at = |path: &str| format!("http://{}{path}", place.app.public());
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    here.scripts(false).await;
    here.go(&at("/private/html")).await;
    // The order in which Tab leads through the page is that of the form.
    for (name, text) in [("name", "ann"), ("password", PASSWORD)] {
        here.tab().await;
        assert_eq!(here.text("document.activeElement.name").await, name);
        here.write(text).await;
    }
    here.tab().await;
    assert_eq!(here.text("document.activeElement.innerText").await, "Sign in");
    here.enter().await;
    assert_eq!(here.path().await, "/private/html");
    assert_eq!(cookie_names(here, false).await, ["seawall", "seawall-device", "seawall-form"]);

    here.go(&at(&page("confirm?next=/private/b"))).await;
    expect_accessible(here).await;
    here.fill("password", PASSWORD).await;
    here.enter().await;
    assert_eq!(here.path().await, "/private/b");
    here.go(&at(&page("sign-out"))).await;
    here.press("Sign out").await;
    assert!(here.words().await.contains("You are signed out."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_mail_puts_its_token_into_the_form_and_out_of_the_address() {
    let Some(mut browser) = browser().await else { return };
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let offer = place.operator("POST", "/api/users/ann/reset", None).await.expect_status(200).json();
    let token = offer["token"].as_str().unwrap();
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    here.go(&format!("http://{}/_seawall/auth/reset#{token}", place.app.public())).await;
    assert_eq!(here.text("location.hash").await, "", "the history does not keep it");
    assert_eq!(here.text("document.querySelector('[name=token]').value").await, token);
    expect_accessible(here).await;
    here.fill("password", "a rather different one").await;
    here.enter().await;
    assert!(here.words().await.contains("The password was changed"));
    place.try_sign_in("ann", "a rather different one").await.expect_status(200);
}
