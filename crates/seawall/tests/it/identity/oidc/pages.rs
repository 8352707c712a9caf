//! Pages that lead to an issuer and back.

use seawall_core::clock::Clock;

use super::{super::totp_at, Issuer, back, begin, claims, place, session};

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_to_accounts_elsewhere_and_back_by_the_second_factor() {
    let issuer = Issuer::start().await;
    let (place, clock) = place(&issuer).await;
    let shown = place.get("/_seawall/auth/pages/sign-in?next=/private/a", "").await.expect_status(200).text();
    let way = "<a href=\"/_seawall/auth/oidc/one?return_to=/private/a\">Sign in with one</a>";
    assert!(shown.contains(way), "{shown}");
    let signed_in = async |name: &str| {
        let way = begin(&place, name).await;
        issuer.gives(issuer.sign(&claims(&issuer, &clock, &way.asked["nonce"])));
        back(&place, name, &way.asked["state"], &way.cookie).await.expect_status(303)
    };
    let own = session(&signed_in("one").await);
    let linking = place.post_form("account/elsewhere", &own, &[("name", "two")]).await.expect_status(200);
    assert!(linking.text().contains("/authorize?response_type=code&amp;client_id=us&amp;"), "{linking:?}");
    assert!(linking.headers_named("set-cookie").iter().any(|cookie| cookie.starts_with("seawall-oidc=")));
    place.post_form("account/elsewhere", &own, &[("name", "three")]).await.expect_status(404);

    let enrolment = place.ask("POST", "/_seawall/auth/factors/totp", &own, None).await.expect_status(201).json();
    let code = totp_at(enrolment["secret"].as_str().unwrap(), (clock.now().unix_us / 1_000_000).try_into().unwrap());
    let confirmed = place.post_form("account/factors/app/confirm", &own, &[("code", &code)]).await.expect_status(200);
    let text = confirmed.text();
    let recovery = text.split_once("<li><code>").unwrap().1.split('<').next().unwrap();
    let asked = signed_in("one").await;
    assert_eq!(asked.header("location"), Some("/_seawall/auth/pages/sign-in/code?next=/private/a"));
    let given = asked.headers_named("set-cookie");
    let ticket = given.iter().find(|cookie| cookie.starts_with("seawall-step=")).unwrap().split(';').next().unwrap();
    let fields = [("code", recovery), ("next", "/private/a")];
    let answer = place.post_form("sign-in/code", ticket, &fields).await.expect_status(303);
    place.get("/private/a", &session(&answer)).await.expect_status(200);
}
