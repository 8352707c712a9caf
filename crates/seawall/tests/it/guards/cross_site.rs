//! Requests that other sites' pages have a browser make, to the application and in front of its sockets.

use seawall_testkit::{
    client::{Request, try_websocket, websocket},
    in_front,
};

const COOKIE: (&str, &str) = ("Cookie", "session=1");

fn post(path: &str, sent: &[(&str, &str)]) -> Request {
    sent.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value))
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_7_what_another_site_sends_with_a_visitors_cookies_never_arrives() {
    let (upstream, app) =
        in_front("environment = \"production\"\n[cors]\norigins = [\"https://pages.example\"]\n").await;
    let client = app.client();
    for foreign in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "https://other.example")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Referer", "https://evil.example/a")],
    ] {
        let answer = client.request(post("/echo", &[&[COOKIE], foreign].concat())).await;
        answer.expect_problem(403, "cross-site-refused");
    }
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(app.metric("seawall_guard_decisions", &["csrf", "*", "refused"]), 5.0);
    let own = format!("http://{}", app.public());
    for passing in [
        &[("Sec-Fetch-Site", "same-origin")][..],
        &[("Origin", &own)],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://pages.example")],
        &[],
    ] {
        client.request(post("/echo", &[&[COOKIE], passing].concat())).await.expect_status(200);
    }
    let token = [COOKIE, ("Sec-Fetch-Site", "cross-site"), ("Authorization", "Bearer of-the-application")];
    client.request(post("/echo", &token)).await.expect_status(200);
    client
        .request(Request::get("/echo").header("Sec-Fetch-Site", "cross-site").header("Cookie", "a=b"))
        .await
        .expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_opens_no_socket_with_a_visitors_cookies() {
    let (_upstream, app) = in_front("environment = \"production\"\n").await;
    let foreign = [COOKIE, ("Origin", "https://evil.example")];
    try_websocket(app.public(), "/ws", &foreign).await.unwrap_err().expect_problem(403, "cross-site-refused");
    let own = format!("http://{}", app.public());
    websocket(app.public(), "/ws", &[COOKIE, ("Origin", &own)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_asks_for_more_and_report_mode_refuses_nothing() {
    let (upstream, app) = in_front(
        "[route.\"POST /pay\"]\ncsrf.require = \"origin\"\n[route.\"POST /login\"]\ncsrf.when = \"always\"\n\
         [route.\"/json\"]\ncsrf.content_types = [\"application/json\"]\n[route.\"/seen\"]\ncsrf.mode = \"report\"\n",
    )
    .await;
    let client = app.client();
    client.request(post("/pay", &[COOKIE])).await.expect_problem(403, "cross-site-refused");
    client.request(post("/pay", &[])).await.expect_status(200);
    client.request(post("/pay", &[COOKIE, ("Sec-Fetch-Site", "none")])).await.expect_status(200);
    client.request(post("/login", &[("Sec-Fetch-Site", "cross-site")])).await.expect_problem(403, "cross-site-refused");
    client.request(post("/echo", &[("Sec-Fetch-Site", "cross-site")])).await.expect_status(200);
    let form = [COOKIE, ("Content-Type", "application/x-www-form-urlencoded")];
    client.request(post("/json", &form).body("a=b")).await.expect_problem(415, "content-type-refused");
    client.request(post("/json", &[COOKIE]).body("a=b")).await.expect_problem(415, "content-type-refused");
    client.request(post("/json", &[COOKIE, ("Content-Type", "application/json")]).body("{}")).await.expect_status(200);
    let before = upstream.requests().len();
    client.request(post("/seen", &[COOKIE, ("Sec-Fetch-Site", "cross-site")])).await.expect_status(200);
    assert_eq!(upstream.requests().len(), before + 1);
    let line = app.request_line("/seen").await;
    assert_eq!(line["guard.reported"], serde_json::json!(["csrf"]), "{line}");
}
