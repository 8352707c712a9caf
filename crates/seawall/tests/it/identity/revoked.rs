//! Sessions that end do so at once: for requests and for sockets that are open. None opens without one where that is required.

use std::time::Duration;

use seawall_testkit::client::{try_websocket, websocket};
use serde_json::json;
use tokio::time::timeout;

use super::{CONFIGURATION, PASSWORD, Place, cookie};

/// Within this time a socket has to be closed.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_a_session_ends_its_requests_at_once_and_its_socket_within_a_second() {
    let place = Place::new().await;
    let id = place.add("ann", &[]).await;
    for (what, method, path, body) in [
        ("signing out", "POST", "/_seawall/auth/sign-out".to_owned(), None),
        ("an operator", "POST", format!("/api/users/{id}/sign-out"), None),
        ("disabling", "POST", format!("/api/users/{id}/disable"), None),
    ] {
        place.operator("POST", &format!("/api/users/{id}/enable"), None).await.expect_status(200);
        let session = place.sign_in("ann").await;
        let other = place.sign_in("ann").await;
        let mut socket = websocket(place.app.public(), "/ws", &[("Cookie", &session)]).await;
        let mut others = websocket(place.app.public(), "/ws", &[("Cookie", &other)]).await;
        place.get("/private/a", &session).await.expect_status(200);
        if path.starts_with("/api") {
            place.operator(method, &path, body).await.expect_status(200);
        } else {
            place.ask(method, &path, &session, body).await.expect_status(204);
        }
        place.get("/private/a", &session).await.expect_problem(401, "not-signed-in");
        let closed = timeout(SOON, socket.expect_close()).await;
        assert_eq!(
            closed.unwrap_or_else(|_| panic!("{what} leaves a socket open")).map(|(code, _)| code),
            Some(1_008),
            "{what}"
        );
        if what == "signing out" {
            others.send_text("still there").await;
            assert_eq!(others.receive_text().await, "still there");
            place.get("/private/a", &other).await.expect_status(200);
        } else {
            timeout(SOON, others.expect_close()).await.unwrap_or_else(|_| panic!("{what} leaves a socket open"));
            place.get("/private/a", &other).await.expect_problem(401, "not-signed-in");
        }
    }
}

/// A person's are counted wherever they come from, and others at the same address are not charged with them.
#[tokio::test(flavor = "multi_thread")]
async fn all_sockets_of_a_person_are_counted_together_and_apart_from_others() {
    let place = Place::with(&format!("{CONFIGURATION}\n[websocket]\nclient_messages = \"6/h\"\n")).await;
    for name in ["ann", "bob"] {
        place.add(name, &[]).await;
    }
    let (first, second, bob) = (place.sign_in("ann").await, place.sign_in("ann").await, place.sign_in("bob").await);
    let open = async |session: &str| websocket(place.app.public(), "/ws", &[("Cookie", session)]).await;
    let mut sockets = [open(&first).await, open(&second).await];
    let mut others = [open(&bob).await, websocket(place.app.public(), "/ws", &[]).await];
    for _ in 0..3 {
        for socket in sockets.iter_mut().chain(&mut others) {
            socket.send_text("one").await;
            assert_eq!(socket.receive_text().await, "one");
        }
    }
    sockets[1].send_text("one too many").await;
    assert_eq!(sockets[1].expect_close().await.map(|(code, _)| code), Some(1_008));
    for socket in &mut others {
        socket.send_text("one more").await;
        assert_eq!(socket.receive_text().await, "one more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_who_asks_is_proven_before_a_socket_is_open_and_the_application_hears_of_nobody_else() {
    let place = Place::with(&format!("{CONFIGURATION}\n[route.\"/ws\"]\naccess.require = \"role member\"\n")).await;
    place.add("ann", &["member"]).await;
    place.add("bob", &[]).await;
    let (anns, bobs) = (place.sign_in("ann").await, place.sign_in("bob").await);
    let ended = place.sign_in("ann").await;
    place.ask("POST", "/_seawall/auth/sign-out", &ended, None).await.expect_status(204);
    let before = place.upstream.requests().len();
    for (what, fields, status) in [
        ("nothing", &[][..], 401),
        ("a session that has ended", &[("Cookie", ended.as_str())], 401),
        ("a token that nobody gave", &[("Authorization", "Bearer nobody.gave.it")], 401),
        ("somebody of another role", &[("Cookie", bobs.as_str())], 403),
    ] {
        let refusal = try_websocket(place.app.public(), "/ws", fields).await.map(|_| what).unwrap_err();
        assert_eq!(refusal.status, status, "{what}: {refusal:?}");
    }
    assert_eq!(place.upstream.requests().len(), before);
    let mut socket = websocket(place.app.public(), "/ws", &[("Cookie", &anns)]).await;
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_holds_from_the_next_request_on() {
    let place = Place::new().await;
    let id = place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    place.get("/admin/a", &session).await.expect_problem(403, "not-allowed");
    let change = |body| place.operator("POST", "/api/users/ann/roles", Some(body));
    let changed = change(json!({ "add": ["admin", "editor"] })).await.expect_status(200);
    assert_eq!((&changed.json()["roles"], &changed.json()["id"]), (&json!(["admin", "editor"]), &json!(id)));
    place.get("/admin/a", &session).await.expect_status(200);
    assert_eq!(place.upstream.requests().pop().unwrap().header("x-seawall-roles"), Some("admin,editor"));
    change(json!({ "remove": ["admin"] })).await.expect_status(200);
    place.get("/admin/a", &session).await.expect_problem(403, "not-allowed");
    change(json!({ "set": [] })).await.expect_status(200);
    assert_eq!(change(json!({ "add": ["Not A Role"] })).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions_alone() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    place.add("bob", &[]).await;
    let (first, second, bobs) = (place.sign_in("ann").await, place.sign_in("ann").await, place.sign_in("bob").await);
    let list = place.get("/_seawall/auth/sessions", &first).await.expect_status(200).json();
    let sessions = list["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let own: Vec<_> = sessions.iter().filter(|one| one["current"] == true).collect();
    let other = sessions.iter().find(|one| one["current"] == false).unwrap()["id"].as_str().unwrap();
    assert_eq!((own.len(), &own[0]["address"]), (1, &json!("127.0.0.1")));
    assert!(!list.to_string().contains(first.split('=').nth(1).unwrap()), "no token is shown");
    let path = format!("/_seawall/auth/sessions/{other}");
    place.ask("DELETE", &path, &bobs, None).await.expect_status(404);
    place.get("/private/a", &second).await.expect_status(200);
    place.ask("DELETE", &path, &first, None).await.expect_status(204);
    place.get("/private/a", &second).await.expect_status(401);
    let (third, fourth) = (place.sign_in("ann").await, place.sign_in("ann").await);
    let ended = place.ask("DELETE", "/_seawall/auth/sessions", &third, None).await.expect_status(200);
    assert_eq!(ended.json()["ended"], 2);
    for (session, status) in [(&first, 401), (&fourth, 401), (&third, 200), (&bobs, 200)] {
        place.get("/private/a", session).await.expect_status(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_needs_the_one_that_holds_and_ends_all_other_sessions() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let (session, other) = (place.sign_in("ann").await, place.sign_in("ann").await);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        place.ask("POST", "/_seawall/auth/password", &session, Some(body)).await
    };
    change("wrong", "another good one").await.expect_problem(403, "wrong-password");
    change(PASSWORD, "short").await.expect_problem(422, "password-refused");
    place.get("/private/a", &other).await.expect_status(200);
    let changed = change(PASSWORD, "another good one").await.expect_status(200);
    for old in [&session, &other] {
        place.get("/private/a", old).await.expect_status(401);
    }
    place.get("/private/a", &cookie(&changed)).await.expect_status(200);
    place.try_sign_in("ann", PASSWORD).await.expect_status(401);
    place.try_sign_in("ann", "another good one").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_gives_a_fresh_token_and_ends_the_session_that_was_shown() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let planted = format!("seawall={}", "A".repeat(43));
    let body = json!({ "name": "ann", "password": PASSWORD });
    let answer = place.ask("POST", "/_seawall/auth/sign-in", &planted, Some(body.clone())).await.expect_status(200);
    let first = cookie(&answer);
    assert_ne!(first, planted);
    place.get("/private/a", &planted).await.expect_status(401);
    let answer = place.ask("POST", "/_seawall/auth/sign-in", &first, Some(body)).await.expect_status(200);
    place.get("/private/a", &first).await.expect_status(401);
    place.get("/private/a", &cookie(&answer)).await.expect_status(200);
}
