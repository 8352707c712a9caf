//! While the store does not answer.

use seawall_testkit::client::Request;

use super::{CONFIGURATION, PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_seawall_serves_whom_it_knows_and_says_so_to_others() {
    let configuration =
        format!("{CONFIGURATION}\n[route.\"/closed/*\"]\nauthentication.when_unavailable = \"closed\"\n");
    let place = Place::with(&configuration).await;
    place.add("ann", &[]).await;
    let (known, unknown) = (place.sign_in("ann").await, place.sign_in("ann").await);
    place.get("/private/a", &known).await.expect_status(200);
    place.app.close_store();
    place.get("/private/a", &known).await.expect_status(200);
    place.get("/open", &unknown).await.expect_status(200);
    let refused = place.get("/private/a", &unknown).await;
    refused.expect_problem(503, "identity-unavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    place.get("/closed/a", &unknown).await.expect_problem(503, "identity-unavailable");
    place.get("/closed/a", &known).await.expect_status(200);
    place.app.client().request(Request::get("/closed/a")).await.expect_status(200);
    place.app.client().get("/private/a").await.expect_problem(401, "not-signed-in");
    place.try_sign_in("ann", PASSWORD).await.expect_problem(503, "sign-in-unavailable");
    for session in [&known, &unknown] {
        let page = place.get("/_seawall/auth/pages/account", session).await;
        page.expect_problem(503, "sign-in-unavailable");
    }
    let form =
        place.post_form("sign-in", "", &[("name", "ann"), ("password", PASSWORD)]).await.expect_status(503).text();
    assert!(form.contains("<h2>Signing in does not work at the moment</h2><p>Try again in a second.</p>"), "{form}");
    assert!(place.app.metric("seawall_authentication_failures", &[]) >= 3.0);
}
