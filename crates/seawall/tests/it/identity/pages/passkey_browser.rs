//! Passkeys on pages in a real browser with an authenticator of its own: made, signed in with, shown as a second step and as a younger
//! proof, renamed, removed, and refused.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    browser::{Browser, Page},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::{
    CONFIGURATION, PASSWORD, Place,
    browser::{browser_with, cookie_names, expect_accessible, sign_in},
    page,
};

/// The site is at an address where browsers have passkeys without https.
fn configuration() -> String {
    CONFIGURATION.replace("enabled = true", "enabled = true\nurl = \"http://localhost\"")
}

fn at(path: &str) -> String {
    format!("http://localhost{path}")
}

/// A place with a user, and a browser that goes to it as to the address of the site.
async fn place_and_browser() -> Option<(Place, Browser)> {
    let place = Place::with(&configuration()).await;
    place.add("ann", &[]).await;
    let browser = browser_with(&[("localhost", place.app.public())]).await?;
    Some((place, browser))
}

/// An authenticator within the browser: its id.
async fn authenticator(here: &mut Page<'_>) -> String {
    here.call("WebAuthn.enable", json!({})).await;
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
        "automaticPresenceSimulation": true,
    });
    let made = here.call("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
    made["authenticatorId"].as_str().unwrap().to_owned()
}

/// Whether whoever sits there touches the authenticator when it asks.
async fn touches(here: &mut Page<'_>, authenticator: &str, so: bool) {
    let parameters = json!({ "authenticatorId": authenticator, "enabled": so });
    here.call("WebAuthn.setAutomaticPresenceSimulation", parameters).await;
}

/// Browsers that are driven choose from the list of names by themselves, without anybody pressing a button; this one has no such list.
async fn without_list(here: &mut Page<'_>) {
    let source = json!({ "source": "delete PublicKeyCredential.isConditionalMediationAvailable" });
    here.call("Page.addScriptToEvaluateOnNewDocument", source).await;
}

/// Adds a passkey, by somebody who is signed in and has no second factor yet.
async fn add(here: &mut Page<'_>, name: &str) {
    here.go(&at(&page("account/passkeys"))).await;
    here.fill("name", name).await;
    here.press("Add a passkey").await;
}

/// Signs out, which leads to the page where people sign in.
async fn sign_out(here: &mut Page<'_>) {
    here.go(&at(&page("sign-out"))).await;
    here.press("Sign out").await;
    assert!(here.words().await.contains("You are signed out."));
}

/// What the page says once it has something to say where problems of passkeys are told.
async fn told(here: &mut Page<'_>) -> String {
    let wait = "new Promise((tell) => { \
        const region = document.getElementById('passkey-problem'); \
        const look = () => { if (region.innerText.trim()) tell(region.innerText); }; \
        new MutationObserver(look).observe(region, { childList: true, subtree: true }); \
        look(); })";
    here.text(wait).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_on_the_account_page_signs_in_without_a_password_and_is_removed() {
    let Some((_place, mut browser)) = place_and_browser().await else { return };
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    authenticator(here).await;
    without_list(here).await;
    here.go(&at("/strong/html")).await;
    expect_accessible(here).await;
    sign_in(here, "ann").await;
    here.go(&at(&page("account/passkeys"))).await;
    assert!(here.words().await.contains("You have none."));
    expect_accessible(here).await;
    add(here, "My phone").await;
    expect_accessible(here).await;
    assert_eq!(here.evaluate("document.querySelectorAll('#codes code').length").await, 10, "{}", here.words().await);
    assert!(!here.words().await.contains("You have none."));

    sign_out(here).await;
    here.go(&at("/strong/html")).await;
    here.press("Sign in with a passkey").await;
    assert_eq!(here.path().await, "/strong/html", "{}", here.words().await);
    assert_eq!(cookie_names(here, false).await, ["seawall", "seawall-device", "seawall-form"]);

    here.go(&at(&page("account/passkeys"))).await;
    let words = here.words().await;
    assert!(words.contains("My phone") && !words.contains("never"), "{words}");
    expect_accessible(here).await;
    assert!(words.contains("Make other recovery codes") && words.contains("10"), "{words}");
    // Its key serves this account, and no second one is made on the same device.
    here.fill("name", "Again").await;
    here.press_here("Add a passkey").await;
    let said = told(here).await;
    assert!(said.contains("This device has a passkey already"), "{said}");
    here.tab_to("a[href*='/name?id=']").await;
    here.enter().await;
    expect_accessible(here).await;
    here.evaluate("document.getElementById('name').value = ''").await;
    here.fill("name", "Old phone").await;
    here.enter().await;
    let words = here.words().await;
    assert!(words.contains("The passkey has another name.") && words.contains("Old phone"), "{words}");
    here.press("Remove").await;
    let words = here.words().await;
    assert!(words.contains("The passkey was removed.") && words.contains("You have none."), "{words}");
    sign_out(here).await;
    here.go(&at(&page("sign-in"))).await;
    sign_in(here, "ann").await;
    assert_eq!(here.path().await, page("account"), "the password is enough again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_chosen_from_the_list_of_names() {
    let Some((_place, mut browser)) = place_and_browser().await else { return };
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    let device = authenticator(here).await;
    here.go(&at(&page("sign-in"))).await;
    sign_in(here, "ann").await;
    add(here, "My phone").await;
    touches(here, &device, false).await;
    sign_out(here).await;
    here.go(&at(&page("sign-in"))).await;
    assert_eq!(here.text("document.getElementById('name').autocomplete").await, "username webauthn");
    // The page asks already, and would go on by itself as soon as the device is touched.
    here.go("about:blank").await;
    touches(here, &device, true).await;
    // The browser chooses what it offers, as somebody would.
    here.go_through(&at("/strong/html?list"), "/strong/html?list").await;
    assert_eq!(here.path().await, "/strong/html?list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_follows_the_password_and_is_a_younger_proof() {
    let Some((place, mut browser)) = place_and_browser().await else { return };
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    authenticator(here).await;
    without_list(here).await;
    here.go(&at(&page("sign-in"))).await;
    sign_in(here, "ann").await;
    add(here, "My phone").await;
    sign_out(here).await;
    here.go(&at("/private/html")).await;
    sign_in(here, "ann").await;
    assert_eq!(here.path().await, "/_seawall/auth/pages/sign-in/code?next=/private/html");
    expect_accessible(here).await;
    here.press("Use a passkey").await;
    assert_eq!(here.path().await, "/private/html", "{}", here.words().await);
    let before = session_cookie(here).await;
    here.go(&at(&page("confirm?need=second-factor&next=/strong/html"))).await;
    expect_accessible(here).await;
    here.press("Confirm with a passkey").await;
    assert_eq!(here.path().await, "/strong/html", "{}", here.words().await);
    assert_ne!(session_cookie(here).await, before, "the session goes on under another token");
    let log = place.operator("GET", "/api/audit-log?action=user.confirmed", None).await.json();
    let by: Vec<&Value> = log["data"].as_array().unwrap().iter().map(|entry| &entry["after"]["by"]).collect();
    assert_eq!(by, ["passkey", "passkey"], "it was added, and confirmed by: {log}");
}

async fn session_cookie(here: &mut Page<'_>) -> Value {
    let cookies = here.cookies().await;
    cookies.into_iter().find(|cookie| cookie["name"] == "seawall").expect("a session")["value"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_and_a_device_that_does_not_know_its_user_are_refused_in_words() {
    let Some((place, mut browser)) = place_and_browser().await else { return };
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    let device = authenticator(here).await;
    without_list(here).await;
    here.go(&at(&page("sign-in"))).await;
    sign_in(here, "ann").await;
    add(here, "My phone").await;
    sign_out(here).await;
    here.go(&at("/strong/html")).await;
    here.press("Sign in with a passkey").await;
    assert_eq!(here.path().await, "/strong/html", "{}", here.words().await);
    sign_out(here).await;

    // The copy that was made before knows nothing of what the passkey has signed since.
    let own = json!({ "authenticatorId": device });
    let kept = here.call("WebAuthn.getCredentials", own.clone()).await["credentials"][0].clone();
    let counter = kept["signCount"].as_i64().unwrap();
    assert!(counter > 1, "{kept}");
    let mut copy = kept.clone();
    copy["signCount"] = 0.into();
    here.call("WebAuthn.clearCredentials", own.clone()).await;
    here.call("WebAuthn.addCredential", json!({ "authenticatorId": device, "credential": copy })).await;
    here.go(&at("/strong/html")).await;
    here.press("Sign in with a passkey").await;
    let words = here.words().await;
    assert!(words.contains("The passkey is not accepted; try again, or use another way."), "{words}");
    expect_accessible(here).await;
    let log = place.operator("GET", "/api/audit-log?action=user.passkey_cloned", None).await.json();
    let entry = &log["data"][0];
    assert_eq!((&entry["outcome"], &entry["after"]["counter"]), (&json!("refused"), &json!(counter)), "{log}");

    // It is asked to verify its user, and cannot.
    here.call("WebAuthn.clearCredentials", own.clone()).await;
    here.call("WebAuthn.addCredential", json!({ "authenticatorId": device, "credential": kept })).await;
    here.call("WebAuthn.setUserVerified", json!({ "authenticatorId": device, "isUserVerified": false })).await;
    here.go(&at(&page("sign-in"))).await;
    here.press_here("Sign in with a passkey").await;
    let said = told(here).await;
    assert!(said.contains("The browser gave no passkey") && said.contains("use another way"), "{said}");
    expect_accessible(here).await;
    // A page that asks for less does not get in either.
    let refused = here.evaluate(LESS).await;
    assert_eq!(refused, json!([401, "PASSKEY_REFUSED"]));
    let log = place.operator("GET", "/api/audit-log?action=user.sign_in", None).await.json();
    let last = log["data"].as_array().and_then(|entries| entries.last()).expect("it is recorded");
    let why = last["after"]["why"].as_str().unwrap_or_default();
    assert!(why.contains("did not verify its user"), "{log}");
    assert_eq!(cookie_names(here, false).await, ["seawall-device", "seawall-form", "seawall-passkey"]);
}

/// Asks the authenticator not to verify its user, and sends what it signs.
const LESS: &str = "(async () => { \
    const ask = (path, body) => fetch(`/_seawall/auth/passkeys/${path}`, \
        { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }); \
    const options = await (await ask('sign-in/options', {})).json(); \
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, userVerification: 'discouraged' }); \
    const credential = (await navigator.credentials.get({ publicKey })).toJSON(); \
    const answer = await ask('sign-in', { credential }); \
    return [answer.status, (await answer.json()).code]; \
})()";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_passkeys_in_the_browser_is_told_what_is_missing() {
    let Some((place, mut browser)) = place_and_browser().await else { return };
    let session = place.sign_in_on_page("ann").await;
    let value = session.split("seawall=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    let ways = ["sign-in", "account/passkeys"].map(page);
    let cookie =
        json!({ "name": "seawall", "value": value, "url": "http://localhost/", "httpOnly": true, "sameSite": "Lax" });
    here.call("Network.setCookie", cookie).await;
    here.scripts(false).await;
    for way in &ways {
        here.go(&at(way)).await;
        let words = here.words().await;
        assert!(words.contains("Passkeys need JavaScript, which is off in this browser."), "{words}");
        assert!(!words.contains("with a passkey") && !words.contains("Add a passkey"), "{words}");
        expect_accessible(here).await;
    }
    here.scripts(true).await;
    here.go(&format!("http://{}{}", place.app.public(), page("sign-in"))).await;
    let words = here.words().await;
    assert!(words.contains("Passkeys serve the address localhost") && !words.contains("with a passkey"), "{words}");
    expect_accessible(here).await;
    let source = json!({ "source": "delete window.PublicKeyCredential" });
    here.call("Page.addScriptToEvaluateOnNewDocument", source).await;
    for way in &ways {
        here.go(&at(way)).await;
        let words = here.words().await;
        assert!(words.contains("Passkeys need a browser that has them"), "{words}");
        assert!(!words.contains("with a passkey") && !words.contains("Add a passkey"), "{words}");
        expect_accessible(here).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_and_removing_lead_to_a_younger_proof_and_back() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(&configuration()).with_clock(Arc::clone(&clock) as _);
    let place = Place { upstream, app: app.start().await };
    place.add("ann", &[]).await;
    let Some(mut browser) = browser_with(&[("localhost", place.app.public())]).await else { return };
    let mut page_of_ann = browser.visitor().await;
    let here = &mut page_of_ann;
    authenticator(here).await;
    without_list(here).await;
    here.go(&at(&page("sign-in"))).await;
    sign_in(here, "ann").await;
    let passkeys = page("account/passkeys");
    clock.advance(Duration::from_secs(301));
    here.go(&at(&passkeys)).await;
    here.fill("name", "My phone").await;
    here.press("Add a passkey").await;
    assert_eq!(here.path().await, page(&format!("confirm?next={passkeys}")));
    here.fill("password", PASSWORD).await;
    here.enter().await;
    assert_eq!(here.path().await, passkeys);
    add(here, "My phone").await;
    clock.advance(Duration::from_secs(301));
    here.go(&at(&passkeys)).await;
    here.press("Remove").await;
    assert_eq!(here.path().await, page(&format!("confirm?next={passkeys}")));
    here.press("Confirm with a passkey").await;
    assert_eq!(here.path().await, passkeys);
    here.press("Remove").await;
    assert!(here.words().await.contains("You have none."), "{}", here.words().await);
}
