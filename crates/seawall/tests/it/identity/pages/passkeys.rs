//! Passkeys on pages, as a script posts them: where they lead, what is said of those that are refused, and where there are none.

use seawall_testkit::client::{RawResponse, Request};
use serde_json::{Value, json};

use super::{CONFIGURATION, PASSWORD, Place, cookies, page};
use crate::identity::{authenticator::Device, cookie};

const ORIGIN: &str = "http://localhost";

fn configuration() -> String {
    CONFIGURATION.replace("enabled = true", "enabled = true\nurl = \"http://localhost\"")
}

/// The options at a path, and the cookie that the browser keeps meanwhile beside those that it has.
async fn begin(place: &Place, path: &str, kept: &str) -> (Value, String) {
    let answer = place.ask("POST", path, kept, Some(json!({}))).await.expect_status(200);
    let ceremony = cookie(&answer);
    assert!(ceremony.starts_with("seawall-passkey="), "{ceremony}");
    (answer.json(), if kept.is_empty() { ceremony } else { format!("{kept}; {ceremony}") })
}

fn options(what: &str) -> String {
    format!("/_seawall/auth/passkeys/{what}/options")
}

/// The ceremony is over.
fn expect_answered(answer: &RawResponse) {
    let written = answer.headers_named("set-cookie");
    assert!(written.iter().any(|cookie| cookie.starts_with("seawall-passkey=; Path=/; Max-Age=0")), "{written:?}");
}

/// Adds a passkey on the page of somebody without a second factor; answers the cookies.
async fn add(place: &Place, session: &str, device: &mut Device, next: &str) -> (String, String) {
    let (asked, kept) = begin(place, &options("register"), session).await;
    let credential = device.make(&asked).to_string();
    let fields = [("credential", &*credential), ("name", "My phone"), ("end_others", "yes"), ("next", next)];
    let added = place.post_form("account/passkeys", &kept, &fields).await.expect_status(200);
    expect_answered(&added);
    let cookies = cookies(&added);
    (cookies, added.text())
}

/// Signs in by a passkey on the page.
async fn show(place: &Place, device: &mut Device, next: &str) -> RawResponse {
    let (asked, kept) = begin(place, &options("sign-in"), "").await;
    let credential = device.show(&asked).to_string();
    place.post_form("sign-in/passkey", &kept, &[("credential", &credential), ("next", next)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_leads_on_within_this_host_and_a_refused_one_says_what_to_do() {
    let place = Place::with(&configuration()).await;
    place.add("ann", &[]).await;
    let (session, mut device) = (place.sign_in_on_page("ann").await, Device::new(ORIGIN, b"one"));
    let (session, text) = add(&place, &session, &mut device, "/strong/a").await;
    assert!(text.matches("<li><code>").count() == 10 && text.contains("<a href=\"/strong/a\">Go on</a>"), "{text}");
    place.get("/strong/a", &session).await.expect_status(200);
    for (next, way) in [
        ("/strong/a?b=c", "/strong/a?b=c"),
        ("//evil.example", "/_seawall/auth/pages/account"),
        ("https://evil.example", "/_seawall/auth/pages/account"),
        ("/\\evil.example", "/_seawall/auth/pages/account"),
    ] {
        let signed_in = show(&place, &mut device, next).await.expect_status(303);
        assert_eq!(signed_in.header("location"), Some(way));
        expect_answered(&signed_in);
        place.get("/strong/a", &cookies(&signed_in)).await.expect_status(200);
    }
    device.origin = "https://evil.example".to_owned();
    let refused = show(&place, &mut device, "/strong/a").await.expect_status(401);
    expect_answered(&refused);
    let text = refused.text();
    assert!(text.contains("role=\"alert\"") && text.contains("try again, or use another way"), "{text}");
    assert!(text.contains("name=\"next\" value=\"/strong/a\""), "{text}");
    for credential in ["", "nonsense", "{}"] {
        let fields = [("credential", credential)];
        place.post_form("sign-in/passkey", "", &fields).await.expect_problem(400, "invalid-input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_step_offers_what_its_owner_has() {
    let place = Place::with(&configuration()).await;
    for name in ["ann", "bob"] {
        place.add(name, &[]).await;
    }
    let first = async |name: &str| {
        let answer = place.post_form("sign-in", "", &[("name", name), ("password", PASSWORD)]).await;
        cookies(&answer.expect_status(303))
    };
    let bob = place.sign_in_on_page("bob").await;
    super::account::enrol(&place, &bob).await;
    let shown = place.get(&page("sign-in/code"), &first("bob").await).await.expect_status(200).text();
    assert!(shown.contains("name=\"code\"") && !shown.contains("data-passkey"), "{shown}");

    let (session, mut device) = (place.sign_in_on_page("ann").await, Device::new(ORIGIN, b"one"));
    add(&place, &session, &mut device, "").await;
    let step = first("ann").await;
    let shown = place.get(&page("sign-in/code"), &step).await.expect_status(200).text();
    assert!(shown.contains("name=\"code\"") && shown.contains("Use a passkey"), "{shown}");
    let ticket = step.split("seawall-step=").nth(1).unwrap().split(';').next().unwrap();
    assert!(!shown.contains(ticket), "scripts do not see it");
    let (asked, kept) = begin(&place, &page("sign-in/code/offer"), &step).await;
    let credential = device.show(&asked).to_string();
    let fields = [("credential", &*credential), ("next", "/strong/b")];
    let done = place.post_form("sign-in/code/passkey", &kept, &fields).await.expect_status(303);
    assert_eq!(done.header("location"), Some("/strong/b"));
    place.get("/strong/b", &cookies(&done)).await.expect_status(200);
    for again in [&kept, ""] {
        let again = place.post_form("sign-in/code/passkey", again, &fields).await.expect_status(303);
        assert_eq!(again.header("location"), Some("/_seawall/auth/pages/sign-in?done=again"));
    }
    let over = place.get(&page("sign-in/code"), &step).await.expect_status(303);
    assert_eq!(over.header("location"), Some("/_seawall/auth/pages/sign-in?done=again"));
    let nothing = place.ask("POST", &page("sign-in/code/offer"), "", Some(json!({}))).await;
    nothing.expect_problem(401, "password-again");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_too_many_codes_the_page_says_for_how_long_none_is_looked_at() {
    let place = Place::with(&configuration()).await;
    place.add("ann", &[]).await;
    add(&place, &place.sign_in_on_page("ann").await, &mut Device::new(ORIGIN, b"one"), "").await;
    let first = place.post_form("sign-in", "", &[("name", "ann"), ("password", PASSWORD)]).await;
    let step = cookies(&first.expect_status(303));
    for _ in 0..10 {
        let wrong = place.post_form("sign-in/code", &step, &[("code", "nonsense")]).await.expect_status(401).text();
        assert!(wrong.contains("name=\"code\"") && wrong.contains("Use a passkey"), "{wrong}");
    }
    let paused = place.post_form("sign-in/code", &step, &[("code", "nonsense")]).await.expect_status(401).text();
    assert!(paused.contains("role=\"alert\"") && paused.contains("Try again in 15 minutes."), "{paused}");
    assert!(!paused.contains("name=\"code\"") && paused.contains("Begin again with the password"), "{paused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_the_second_factor_shows_it_before_passkeys_are_changed() {
    let place = Place::with(&configuration()).await;
    place.add("ann", &[]).await;
    let (session, before) = (place.sign_in_on_page("ann").await, place.sign_in_on_page("ann").await);
    let mut device = Device::new(ORIGIN, b"one");
    let (asked, kept) = begin(&place, &options("register"), &session).await;
    let credential = device.make(&asked).to_string();
    let fields = [("credential", &*credential), ("name", "My phone")];
    place.post_form("account/passkeys", &kept, &fields).await.expect_status(200);
    let shown = place.get(&page("account/passkeys"), &before).await.expect_status(200).text();
    let way = format!("{}?need=second-factor&next={}", page("confirm"), page("account/passkeys"));
    assert!(shown.contains(&format!("data-confirm=\"{}\"", way.replace('&', "&amp;"))), "{shown}");
    let id = shown.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let sent = place.post_form("account/passkeys/remove", &before, &[("id", &id)]).await.expect_status(303);
    assert_eq!(sent.header("location"), Some(&*way));
    let shown = place.get(&way, &before).await.expect_status(200).text();
    assert!(shown.contains("Confirm with a passkey") && shown.contains("A recovery code."), "{shown}");
    let (asked, kept) = begin(&place, &options("confirm"), &before).await;
    let credential = device.show(&asked).to_string();
    let fields = [("credential", &*credential), ("next", &page("account/passkeys"))];
    let confirmed = place.post_form("confirm/passkey", &kept, &fields).await.expect_status(303);
    expect_answered(&confirmed);
    let again = place.post_form("confirm/passkey", &cookies(&confirmed), &fields).await.expect_status(401).text();
    assert!(again.contains("try again, or use another way") && again.contains("Confirm with a passkey"), "{again}");
    let session = cookies(&confirmed);
    place.post_form("account/passkeys/remove", &session, &[("id", &id)]).await.expect_status(303);
    assert!(place.get(&page("account/passkeys"), &session).await.text().contains("You have none."));
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_renamed_and_removed_by_their_owner_alone_and_their_names_are_text() {
    let place = Place::with(&configuration()).await;
    for name in ["ann", "bob"] {
        place.add(name, &[]).await;
    }
    let bob = place.sign_in_on_page("bob").await;
    let (ann, _) = add(&place, &place.sign_in_on_page("ann").await, &mut Device::new(ORIGIN, b"one"), "").await;
    let shown = place.get(&page("account/passkeys"), &ann).await.text();
    let id = shown.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let naming = page(&format!("account/passkeys/name?id={id}"));
    assert!(shown.contains(&format!("href=\"{naming}\"")), "{shown}");
    place.get(&naming, &bob).await.expect_status(303);
    let fields = [("id", &*id), ("name", "<b>phone</b>")];
    place.post_form("account/passkeys/name", &bob, &fields).await.expect_problem(404, "invalid-input");
    place.post_form("account/passkeys/remove", &bob, &[("id", &id)]).await.expect_problem(404, "invalid-input");
    let empty = place.post_form("account/passkeys/name", &ann, &[("id", &id), ("name", " ")]).await;
    assert!(empty.expect_status(400).text().contains("id=\"name-problem\""));
    let renamed = place.post_form("account/passkeys/name", &ann, &fields).await.expect_status(303);
    assert_eq!(renamed.header("location"), Some(&*page("account/passkeys?done=passkey-renamed")));
    let shown = place.get(&page("account/passkeys"), &ann).await.text();
    assert!(shown.contains("<dd>&lt;b&gt;phone&lt;/b&gt;</dd>") && !shown.contains("<b>"), "{shown}");
    let log = place.operator("GET", "/api/audit-log?action=passkey.renamed", None).await.expect_status(200).json();
    let entry = &log["data"][0];
    assert_eq!((&entry["before"]["name"], &entry["after"]["name"]), (&json!("My phone"), &json!("<b>phone</b>")));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_sign_in_page_counts_nothing_and_showing_a_passkey_does() {
    let configuration = configuration().replace("sign_in_limits = []", "sign_in_limits = [\"2/min per ip\"]");
    let place = Place::with(&configuration).await;
    for _ in 0..4 {
        begin(&place, &page("sign-in/offer"), "").await;
    }
    for _ in 0..2 {
        place.post_form("sign-in/passkey", "", &[("credential", "{}")]).await.expect_status(400);
    }
    let third = place.post_form("sign-in/passkey", "", &[("credential", "{}")]).await;
    third.expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_comes_from_here_and_the_application_sees_no_ceremony() {
    let place = Place::with(&configuration()).await;
    let shown = place.get(&page("sign-in"), "").await.expect_status(200);
    let policy = shown.header("content-security-policy").unwrap().to_owned();
    let ours = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self';";
    assert!(policy.starts_with(ours) && !policy.contains("unsafe"), "{policy}");
    let text = shown.text();
    assert_eq!(text.matches("<script").count(), 1, "{text}");
    let address = text.split_once("<script src=\"").unwrap().1.split('"').next().unwrap();
    assert!(address.starts_with(&page("passkeys.js?v=")), "{address}");
    let script = place.get(address, "").await.expect_status(200);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let (_, kept) = begin(&place, &page("sign-in/offer"), "").await;
    place.get("/open", &format!("{kept}; theme=dark")).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("cookie"), Some("theme=dark"));
    let elsewhere = Request::post(page("sign-in/offer")).header("Origin", "https://evil.example");
    place.app.client().request(elsewhere.json(&json!({}))).await.expect_problem(403, "cross-site-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_are_no_passkeys_the_pages_do_not_speak_of_them() {
    let off = format!("{}\n[identity.passkeys]\nenabled = false\n", configuration());
    let place = Place::with(&off).await;
    place.add("ann", &[]).await;
    let shown = place.get(&page("sign-in"), "").await.expect_status(200);
    assert!(!shown.header("content-security-policy").unwrap().contains("script"));
    let text = shown.text();
    assert!(!text.to_lowercase().contains("passkey") && text.contains("autocomplete=\"username\""), "{text}");
    let session = place.sign_in_on_page("ann").await;
    for name in ["account", "confirm", "confirm?need=second-factor"] {
        let text = place.get(&page(name), &session).await.expect_status(200).text();
        assert!(!text.to_lowercase().contains("passkey"), "{text}");
    }
    place.get(&page("account/passkeys"), &session).await.expect_status(404);
    place.post_form("account/passkeys", &session, &[]).await.expect_status(404);
    let options = place.ask("POST", &page("sign-in/offer"), "", Some(json!({}))).await;
    options.expect_problem(404, "passkeys-unavailable");
}
