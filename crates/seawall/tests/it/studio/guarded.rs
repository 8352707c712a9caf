//! ST-11: limits for users and addresses, forms of other sites, what pages may load, and the record of what happened.

use seawall_testkit::client::Request;
use serde_json::json;

use super::{Studio, cookies, describe, expect_words, form};

#[tokio::test(flavor = "multi_thread")]
async fn st_11_pages_run_their_own_scripts_alone_and_forms_of_other_sites_are_refused() {
    let Some(mut studio) = Studio::start().await else { return };
    let client = studio.client();
    let mut page = studio.registered("ann").await;
    let cookie = cookies(&mut page).await;
    let answer = client.request(Request::get("/").header("Cookie", &*cookie)).await.expect_status(200);
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // What somebody would have smuggled into a page does not run.
    let smuggled = "(() => { const one = document.createElement('script'); one.textContent = 'window.smuggled = 1'; \
        document.body.append(one); return window.smuggled ?? null; })()";
    assert_eq!(page.evaluate(smuggled).await, json!(null));
    describe(&mut page, "<script>window.smuggled = 1</script><img src=x onerror=\"window.smuggled = 1\">").await;
    expect_words(&mut page, &["<script>window.smuggled = 1</script>", "It can be built"]).await;
    assert_eq!(page.evaluate("window.smuggled ?? null").await, json!(null));

    let foreign = Request::post("/projects").header("Content-Type", "application/x-www-form-urlencoded");
    let foreign = foreign.header("Cookie", &*cookie).header("Sec-Fetch-Site", "cross-site");
    client.request(foreign.body("description=planted")).await.expect_problem(403, "cross-site-refused");
    client.request(Request::get("/admin").header("Cookie", &*cookie)).await.expect_status(404);
    client.get("/").await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_11_people_and_addresses_have_limits_of_their_own() {
    let Some(mut studio) = Studio::start_with(|config| {
        let config = config.replace("\"10/min per user\"", "\"2/min per user\"");
        config.replace("access.require = []", "access.require = []\nrate_limit.limits = [\"30/min per ip\"]")
    })
    .await
    else {
        return;
    };
    let client = studio.client();
    let ann = cookies(&mut studio.registered("ann").await).await;
    let bob = cookies(&mut studio.registered("bob").await).await;
    let begin = async |cookie: &str| client.request(form("/projects", cookie, "description", "A lamp")).await;
    for _ in 0..2 {
        begin(&ann).await.expect_status(303);
    }
    begin(&ann).await.expect_problem(429, "quota-exceeded");
    // The same address, another person.
    begin(&bob).await.expect_status(303);
    let mut statuses = Vec::new();
    for _ in 0..31 {
        statuses.push(client.get("/static/studio.css").await.status);
    }
    assert!(statuses.contains(&200) && statuses.ends_with(&[429]), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_11_who_registers_signs_in_and_fails_to_is_in_the_audit_log() {
    let Some(mut studio) = Studio::start().await else { return };
    let _page = studio.registered("ann").await;
    let wrong = json!({ "name": "ann", "password": "not the right one" });
    studio.client().post_json("/_seawall/auth/sign-in", &wrong).await.expect_status(401);
    assert_eq!(studio.audited("user.added")[0]["after"]["registered"], true);
    assert_eq!(studio.audited("session.began").len(), 1);
    let tried = studio.audited("user.sign_in");
    assert!(tried.iter().any(|entry| entry["outcome"] == "refused"), "{tried:?}");
}
