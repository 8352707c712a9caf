//! Nobody but Seawall says who a request is from.

use seawall_testkit::client::Request;

use super::Place;

/// Spellings of a field that an application may take for ours.
const SPELLINGS: [&str; 8] = [
    "X-Seawall-User",
    "x-seawall-user",
    "X_Seawall_User",
    "x-seawall_user",
    "X-SEAWALL-ROLES",
    "X-Seawall-User-Name",
    "x_SEAWALL-anything",
    "X-Seawall-",
];

#[tokio::test(flavor = "multi_thread")]
async fn forged_fields_never_reach_the_application() {
    let place = Place::new().await;
    let id = place.add("ann", &["admin"]).await;
    let session = place.sign_in("ann").await;
    for name in SPELLINGS {
        for cookie in ["a=b", &session] {
            let request = Request::get("/open").header("Cookie", cookie).header(name, "forged").header(name, "twice");
            place.app.client().request(request).await.expect_status(200);
            let seen = place.upstream.requests().pop().unwrap();
            assert!(!seen.headers.iter().any(|(_, value)| value == "forged" || value == "twice"), "{name}: {seen:?}");
            let told: Vec<_> = seen
                .headers
                .iter()
                .filter(|(name, _)| name.to_ascii_lowercase().replace('_', "-").starts_with("x-seawall-user"))
                .collect();
            assert_eq!(told.len(), if cookie == "a=b" { 0 } else { 2 }, "{told:?}");
        }
        assert_eq!(place.upstream.requests().pop().unwrap().header("x-seawall-user"), Some(&*id));
        let nominated = Request::get("/open").header("Cookie", &*session).header("Connection", name);
        place.app.client().request(nominated).await.expect_problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_trailers_never_reach_the_application() {
    let place = Place::new().await;
    let mut client = place.app.connect().await;
    client
        .write(
            "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Seawall-User, X-Ok\r\n\r\n\
             2\r\nhi\r\n0\r\nX-Seawall-User: forged\r\nX_Seawall_Roles: forged\r\nX-Ok: 1\r\n\r\n",
        )
        .await;
    client.read_response("POST").await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert!(!seen.trailers.iter().any(|(_, value)| value == "forged"), "{:?}", seen.trailers);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_identity_forged_fields_are_removed_too_and_cookies_pass() {
    let place = Place::with("").await;
    let request =
        Request::get("/open").header("X-Seawall-User", "forged").header("Cookie", "seawall=the-applications-own");
    place.app.client().request(request).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("x-seawall-user"), None);
    assert_eq!(seen.header("cookie"), Some("seawall=the-applications-own"));
    place.app.client().get("/_seawall/auth/session").await.expect_problem(404, "not-found");
}
