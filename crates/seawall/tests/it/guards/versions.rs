//! Versions of the API: unknown ones refused, old ones announced and told by who uses them, ended ones gone.

use seawall_testkit::{client::Request, in_front};

const VERSIONS: &str = "[versions]\nby = \"path\"\nbelow = \"/api\"\nafter_sunset = \"refuse\"\n[versions.v0]\nsunset = \"2020-01-01\"\nsuccessor = \"v2\"\n\
    [versions.v1]\ndeprecated = \"2026-01-01\"\nsunset = \"2099-12-31\"\nsuccessor = \"v2\"\n[versions.v2]\n";

#[tokio::test(flavor = "multi_thread")]
async fn pm_7_versions_are_known_announced_and_ended() {
    let (upstream, app) = in_front(VERSIONS).await;
    let client = app.client();
    let unknown = client.get("/api/v3/echo").await.expect_problem(404, "api-version-unknown");
    assert!(unknown["detail"].as_str().unwrap().ends_with("versions: v0, v1, v2."), "{unknown}");
    let gone = client.get("/api/v0/echo").await;
    let problem = gone.expect_problem(410, "api-version-gone");
    assert_eq!(problem["detail"], "Version v0 of this API ended on 2020-01-01. Use v2 instead.");
    assert_eq!(gone.header("sunset"), Some("Wed, 01 Jan 2020 00:00:00 GMT"));
    assert_eq!(upstream.requests().len(), 0);
    let old = client.get("/api/v1/echo").await;
    assert_eq!(old.header("deprecation"), Some("@1767225600"));
    assert_eq!(old.header("sunset"), Some("Thu, 31 Dec 2099 00:00:00 GMT"));
    assert_eq!(old.header("link"), Some("</api/v2>; rel=\"successor-version\""));
    let current = client.get("/api/v2/echo").await;
    assert_eq!((current.header("deprecation"), current.header("link")), (None, None));
    client.get("/echo").await.expect_status(200);
    assert_eq!(upstream.requests().len(), 3);
    for (version, requests) in [("v0", 1.0), ("v1", 1.0), ("v2", 1.0)] {
        assert_eq!(app.metric("seawall_api_version_requests", &[version]), requests, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_15_operators_see_who_still_uses_a_version_that_ends() {
    let (_upstream, app) = in_front(VERSIONS).await;
    for path in ["/api/v1/a", "/api/v1/b", "/api/v2/a"] {
        app.client().get(path).await;
    }
    let asks = Request::get("/api/versions").header("Authorization", format!("Bearer {}", app.admin_token()));
    let told = app.admin_client().request(asks).await.expect_status(200).json();
    let [caller] = &told["data"].as_array().unwrap()[..] else { panic!("one caller in {told}") };
    assert_eq!((&caller["version"], &caller["requests"]), (&"v1".into(), &2.into()), "{told}");
    assert_eq!((&caller["address"], &caller["principal"]), (&"127.0.0.1".into(), &serde_json::Value::Null), "{told}");
    assert!(caller["first_at"].as_str() <= caller["last_at"].as_str() && caller["last_at"].is_string(), "{told}");
    assert_eq!(told["requests_of_others"], 0);
    app.admin_client().get("/api/versions").await.expect_problem(401, "admin-token-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn report_mode_refuses_no_version() {
    let (upstream, app) = in_front(&VERSIONS.replace("[versions]\n", "[versions]\nmode = \"report\"\n")).await;
    for path in ["/api/v3/echo", "/api/v0/echo"] {
        app.client().get(path).await;
        let line = app.request_line(path).await;
        assert_eq!(line["guard.reported"], serde_json::json!(["versions"]), "{line}");
    }
    assert_eq!(upstream.requests().len(), 2);
}
