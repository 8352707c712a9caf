//! The account on pages: second factors, sessions, keys and the password, without a browser.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, TestApp,
    upstream::{Kind, Upstream},
};

use super::{CONFIGURATION, PASSWORD, Place, cookies, page};
use crate::identity::totp;

/// What stands in the element with this id.
fn inside<'a>(text: &'a str, id: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("{id} in {text}"));
    rest.split('<').next().unwrap()
}

/// Enrols an app; answers the session, and a recovery code.
pub(super) async fn enrol(place: &Place, session: &str) -> (String, String) {
    let shown = place.post_form("account/factors/app", session, &[]).await.expect_status(200).text();
    assert!(
        shown.contains("<svg class=\"code\" viewBox=\"0 0 ") && shown.contains("href=\"otpauth://totp/"),
        "{shown}"
    );
    let code = totp(inside(&shown, "secret"));
    let confirmed =
        place.post_form("account/factors/app/confirm", session, &[("code", &code), ("end_others", "yes")]).await;
    let confirmed = confirmed.expect_status(200);
    let text = confirmed.text();
    let codes = text.matches("<li><code>").count();
    assert_eq!(codes, 10, "{text}");
    let recovery = text.split_once("<li><code>").unwrap().1.split('<').next().unwrap().to_owned();
    (cookies(&confirmed), recovery)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_enrolled_and_asked_for_in_a_second_step() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let (session, other) = (place.sign_in_on_page("ann").await, place.sign_in_on_page("ann").await);
    let wrong = place.post_form("account/factors/app/confirm", &session, &[("code", "nonsense")]).await;
    assert!(wrong.expect_status(401).text().contains("id=\"code-problem\""));
    let (session, recovery) = enrol(&place, &session).await;
    place.get("/strong/a", &session).await.expect_status(200);
    place.get("/private/a", &other).await.expect_problem(401, "not-signed-in");

    let first = place.post_form("sign-in", "", &[("name", "ann"), ("password", PASSWORD), ("next", "/strong/b")]).await;
    let first = first.expect_status(303);
    assert_eq!(first.header("location"), Some("/_seawall/auth/pages/sign-in/code?next=/strong/b"));
    let ticket = cookies(&first);
    assert!(ticket.starts_with("seawall-step=") && !ticket.contains("seawall="), "no session yet: {ticket}");
    let shown = place.get(&page("sign-in/code?next=/strong/b"), &ticket).await.expect_status(200).text();
    assert!(shown.contains("autocomplete=\"one-time-code\"") && shown.contains("value=\"/strong/b\""), "{shown}");
    place.post_form("sign-in/code", &ticket, &[("code", "nonsense")]).await.expect_status(401);
    let second = place.post_form("sign-in/code", &ticket, &[("code", &recovery), ("next", "/strong/b")]).await;
    let second = second.expect_status(303);
    assert_eq!(second.header("location"), Some("/strong/b"));
    assert!(
        second.headers_named("set-cookie").iter().any(|cookie| cookie.starts_with("seawall-step=; Path=/; Max-Age=0"))
    );
    let session = cookies(&second);
    place.get("/strong/b", &session).await.expect_status(200);
    let again = place.post_form("sign-in/code", &ticket, &[("code", &recovery)]).await.expect_status(303);
    assert_eq!(again.header("location"), Some("/_seawall/auth/pages/sign-in?done=again"));
    place.get(&page("sign-in/code"), "").await.expect_status(303);

    let shown = place.get(&page("account/factors"), &session).await.text();
    assert!(shown.contains("<dt>Recovery codes left</dt><dd>9</dd>"), "{shown}");
    let other = place.post_form("account/factors/recovery", &session, &[]).await.expect_status(200).text();
    assert!(!other.contains(&recovery) && other.matches("<li><code>").count() == 10);
    let removed = place.post_form("account/factors/remove", &session, &[]).await.expect_status(303);
    assert_eq!(removed.header("location"), Some("/_seawall/auth/pages/account/factors?done=factors"));
    place.sign_in("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_one_by_one_and_all_others_at_once() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(place.sign_in("ann").await);
    }
    let own = place.sign_in_on_page("ann").await;
    let shown = place.get(&page("account/sessions"), &own).await.expect_status(200).text();
    assert_eq!(shown.matches("name=\"id\" value=\"").count(), 3, "one's own has no button: {shown}");
    assert_eq!(shown.matches("This is the one that you use here.").count(), 1);
    let id = shown.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap();
    for _ in 0..2 {
        // What has ended meanwhile is as it was wanted.
        let ended = place.post_form("account/sessions", &own, &[("id", id)]).await.expect_status(303);
        assert_eq!(ended.header("location"), Some("/_seawall/auth/pages/account/sessions?done=ended"));
    }
    let mut alive = 0;
    for other in &others {
        alive += u32::from(place.get("/private/a", other).await.status == 200);
    }
    assert_eq!(alive, 2);
    place.post_form("account/sessions", &own, &[("others", "yes")]).await.expect_status(303);
    for other in &others {
        place.get("/private/a", other).await.expect_problem(401, "not-signed-in");
    }
    place.get("/private/a", &own).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_and_keys_are_made_and_revoked() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let session = place.sign_in_on_page("ann").await;
    let change = async |session: &str, current: &str, new: &str| {
        place.post_form("account/password", session, &[("current", current), ("new", new)]).await
    };
    assert!(
        change(&session, "wrong", "a rather different one")
            .await
            .expect_status(403)
            .text()
            .contains("id=\"current-problem\"")
    );
    assert!(change(&session, PASSWORD, "short").await.expect_status(422).text().contains("id=\"new-problem\""));
    let changed = change(&session, PASSWORD, "a rather different one").await.expect_status(303);
    let session = cookies(&changed);
    place.try_sign_in("ann", "a rather different one").await.expect_status(200);

    let nonsense = place.post_form("account/keys", &session, &[("label", "till"), ("expires_in", "soon")]).await;
    let nonsense = nonsense.expect_status(400).text();
    let marked = "aria-describedby=\"expires_in-hint expires_in-problem\" aria-invalid=\"true\"";
    assert!(nonsense.contains(marked) && nonsense.contains("<a href=\"#expires_in\">"), "{nonsense}");
    assert!(nonsense.contains("value=\"soon\"") && nonsense.contains("value=\"till\""), "nothing is typed twice");
    assert_eq!(nonsense.matches("aria-invalid").count(), 1, "{nonsense}");
    let unnamed = place.post_form("account/keys", &session, &[("label", " "), ("scope", "orders:read")]).await;
    let unnamed = unnamed.expect_status(400).text();
    assert!(unnamed.contains("aria-describedby=\"label-problem\"") && unnamed.contains(" checked=\"\""), "{unnamed}");
    let strange = place.post_form("account/keys", &session, &[("label", "till"), ("scope", "orders:eat")]).await;
    let strange = strange.expect_status(400).text();
    let marked = "<fieldset id=\"scopes\" tabindex=\"-1\" aria-describedby=\"scopes-problem\">";
    assert!(strange.contains(marked) && !strange.contains("aria-invalid"), "{strange}");
    let fields = [("label", "till"), ("scope", "orders:read"), ("expires_in", "90day")];
    let made = place.post_form("account/keys", &session, &fields).await.expect_status(200).text();
    assert!(inside(&made, "key").starts_with("sw"), "{made}");
    let shown = place.get(&page("account/keys"), &session).await.text();
    assert!(shown.contains("<dd>orders:read</dd>") && !shown.contains(inside(&made, "key")), "{shown}");
    let id = shown.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap();
    place.post_form("account/keys/revoke", &session, &[("id", id)]).await.expect_status(303);
    let shown = place.get(&page("account/keys"), &session).await.text();
    assert!(shown.contains("<dd>revoked</dd>"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_is_for_people_who_signed_in() {
    let place = Place::with(CONFIGURATION).await;
    for name in [
        "account",
        "account/password",
        "account/sessions",
        "account/factors",
        "account/passkeys",
        "account/passkeys/name",
        "account/keys",
        "account/devices",
        "account/organisations",
    ] {
        let sent = place.get(&page(name), "").await.expect_status(303);
        assert_eq!(sent.header("location"), Some(&*format!("/_seawall/auth/pages/sign-in?next={}", page(name))));
    }
    let posted = place.post_form("account/sessions", "", &[("others", "yes")]).await.expect_status(303);
    assert!(posted.header("location").unwrap().starts_with("/_seawall/auth/pages/sign-in?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_paired_by_its_code_and_revoked() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let session = place.sign_in_on_page("ann").await;
    let begun = place.begin().await;
    let code = begun["user_code"].as_str().unwrap();
    place.post_form("account/devices/look", &session, &[("code", "nonsense")]).await.expect_status(403);
    let looked = place.post_form("account/devices/look", &session, &[("code", code)]).await.expect_status(200).text();
    assert!(looked.contains("<dd>TV</dd>") && looked.contains("Pair it"), "{looked}");
    assert!(place.get(&page("account/devices"), &session).await.text().contains("You have none."));
    place.post_form("account/devices/approve", &session, &[("code", code)]).await.expect_status(303);
    place.fetch(&begun).await;
    let shown = place.get(&page("account/devices"), &session).await.text();
    let id = shown.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap();
    place.post_form("account/devices/revoke", &session, &[("id", id)]).await.expect_status(303);
    assert!(place.get(&page("account/devices"), &session).await.text().contains("<dt>Revoked</dt>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_acts_for_one_organisation_at_a_time() {
    let place = Place::with(&format!("{CONFIGURATION}\n[identity.tiers.pro]\nlimits = []\n")).await;
    place.add("ann", &[]).await;
    let session = place.sign_in_on_page("ann").await;
    let none = place.get(&page("account/organisations"), &session).await.expect_status(200).text();
    assert!(none.contains("You belong to none."), "{none}");
    let acme = place.organisation("acme", "pro", &[("ann", "admin")]).await;
    let other = place.organisation("other", "pro", &[("ann", "member")]).await;
    let mut session = place.sign_in_on_page("ann").await;
    for id in [&other, &acme] {
        let acting =
            place.post_form("account/organisations", &session, &[("organisation", id)]).await.expect_status(303);
        session = cookies(&acting);
        place.get("/private/a", &session).await.expect_status(200);
        let seen = place.upstream.requests().pop().unwrap();
        assert_eq!(seen.header("x-seawall-organisation"), Some(&**id));
        let shown = place.get(&page("account/organisations"), &session).await.text();
        assert_eq!(shown.matches("You act for it.").count(), 1, "{shown}");
    }
    place.post_form("account/organisations", &session, &[("organisation", "nonsense")]).await.expect_status(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_younger_proof_leads_to_confirm_and_back_with_the_way_on() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::in_front_of(upstream.url()).with_config(CONFIGURATION).with_clock(Arc::clone(&clock) as _);
    let place = Place { upstream, app: app.start().await };
    place.add("ann", &[]).await;
    let session = place.sign_in_on_page("ann").await;
    clock.advance(Duration::from_secs(301));
    let sent = place.post_form("account/factors/app", &session, &[("next", "/strong/a?b=c")]).await.expect_status(303);
    let way = sent.header("location").unwrap();
    let factors = page("account/factors");
    assert_eq!(way, format!("{}?next={factors}%3Fnext%3D/strong/a%253Fb%253Dc", page("confirm")));
    let shown = place.get(way, &session).await.expect_status(200).text();
    let next = format!("{factors}?next=/strong/a%3Fb%3Dc");
    assert!(shown.contains(&format!("name=\"next\" value=\"{next}\"")), "{shown}");
    let confirmed = place.post_form("confirm", &session, &[("password", PASSWORD), ("next", &next)]).await;
    let confirmed = confirmed.expect_status(303);
    assert_eq!(confirmed.header("location"), Some(&*next));
    let session = cookies(&confirmed);
    let shown = place.get(&next, &session).await.expect_status(200).text();
    assert!(shown.contains("name=\"next\" value=\"/strong/a?b=c\""), "{shown}");
    place.post_form("account/factors/app", &session, &[]).await.expect_status(200);
}
