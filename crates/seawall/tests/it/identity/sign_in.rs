//! Signing in: who is let in, what the application learns, and that failures look alike.

use seawall_testkit::client::{RawResponse, Request};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{CONFIGURATION, PASSWORD, Place, cookie};

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_use_the_application_and_sign_out() {
    let place = Place::new().await;
    let id = place.add("Zoë Admin", &["admin"]).await;
    place.app.client().get("/private/a").await.expect_problem(401, "not-signed-in");

    let answer = place.try_sign_in(" ZOE\u{308} admin ", PASSWORD).await.expect_status(200);
    assert_eq!(answer.json()["user"], json!({ "id": id, "name": "Zoë Admin", "roles": ["admin"] }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let written = answer.header("set-cookie").unwrap();
    assert!(written.starts_with("seawall=") && written.contains("HttpOnly; SameSite=Lax"), "{written}");
    assert!(written.contains("; Path=/;") && !written.contains("Secure") && !written.contains("Domain"), "{written}");
    let session = cookie(&answer);

    place.get("/private/a", &format!("theme=dark; {session}; lang=de")).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("x-seawall-user"), Some(&*id));
    assert_eq!(seen.header("x-seawall-user-name"), Some("Zo%C3%AB Admin"));
    assert_eq!(seen.header("x-seawall-roles"), Some("admin"));
    assert_eq!(seen.header("cookie"), Some("theme=dark; lang=de"));
    // Each core writes its own lines, so which comes first says nothing.
    let nobodys =
        |line: &Value| line["msg"] == "request" && line["url.path"] == "/private/a" && line["principal"].is_null();
    assert_eq!(place.app.log_line("nobody's request", nobodys).await["http.status"], 401);
    let known = place.app.log_line("a known principal", |line| line["principal"] == json!(id)).await;
    assert_eq!(known["http.status"], 200);

    let own = place.get("/_seawall/auth/session", &session).await.expect_status(200).json();
    assert_eq!(own["user"]["id"], json!(id));
    let out = place.ask("POST", "/_seawall/auth/sign-out", &session, None).await.expect_status(204);
    assert!(out.header("set-cookie").unwrap().starts_with("seawall=; Path=/; Max-Age=0;"));
    assert_eq!(out.header("clear-site-data"), Some("\"cache\", \"storage\""));
    place.get("/private/a", &session).await.expect_problem(401, "not-signed-in");
    place.get("/_seawall/auth/session", &session).await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_let_in_whom_they_are_for() {
    let place = Place::new().await;
    place.add("ann", &["admin"]).await;
    place.add("bob", &[]).await;
    let (ann, bob) = (place.sign_in("ann").await, place.sign_in("bob").await);
    place.get("/admin/a", &ann).await.expect_status(200);
    place.get("/admin/a", &bob).await.expect_problem(403, "not-allowed");
    place.get("/admin/a", "seawall=nonsense").await.expect_problem(401, "not-signed-in");
    place.get("/hidden/a", &ann).await.expect_status(200);
    place.get("/hidden/a", &bob).await.expect_problem(404, "not-found");
    place.app.client().get("/hidden/a").await.expect_problem(404, "not-found");
    place.get("/watched/a", &bob).await.expect_status(200);
    let line = place.app.request_line("/watched/a").await;
    assert_eq!(line["guard.reported"], json!(["access"]), "{line}");
    place.get("/open", &bob).await.expect_status(200);
    place.app.client().get("/_seawall/health/live").await.expect_status(200);
}

/// What is the same in all refusals: everything but the request's id, the time, and for how long nothing is heard.
fn comparable(answer: &RawResponse) -> (u16, Vec<(String, String)>, Value) {
    let own = ["x-request-id", "date", "retry-after", "traceparent", "content-length"];
    let kept = answer.headers.iter().filter(|(name, _)| !own.contains(&&*name.to_ascii_lowercase()));
    let mut body = answer.json();
    for field in ["request_id", "instance"] {
        assert!(body[field].is_string());
        body[field] = "".into();
    }
    (answer.status, kept.cloned().collect(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_unknown_disabled_and_paused_look_alike_and_take_as_long() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let gone = place.add("gone", &[]).await;
    place.add("paused", &[]).await;
    place.operator("POST", &format!("/api/users/{gone}/disable"), None).await.expect_status(200);
    for _ in 0..5 {
        place.try_sign_in("paused", "wrong").await.expect_problem(401, "sign-in-refused");
    }
    let mut refusals = Vec::new();
    for (name, password) in
        [("ann", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD), ("paused", PASSWORD), ("a\nb", PASSWORD)]
    {
        let begun = Instant::now();
        let answer = place.try_sign_in(name, password).await;
        assert!(begun.elapsed().as_millis() >= 250, "{name} was refused after {:?}", begun.elapsed());
        answer.expect_problem(401, "sign-in-refused");
        let pause = answer.header("retry-after").map(|seconds| seconds.parse::<u64>().unwrap());
        assert_eq!(pause.is_some_and(|seconds| (840..=900).contains(&seconds)), name == "paused", "{pause:?}");
        refusals.push(comparable(&answer));
    }
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_attempts_at_once_are_counted_before_they_are_heard() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let attempts = (0..20).map(|_| async { place.try_sign_in("ann", "wrong").await.header("retry-after").is_some() });
    let paused = futures_all(attempts).await.into_iter().filter(|paused| *paused).count();
    assert_eq!(paused, 15, "five of twenty are heard");
}

async fn futures_all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Some(Box::pin(future)), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut pending {
            if let Some(running) = future
                && let std::task::Poll::Ready(value) = running.as_mut().poll(context)
            {
                (*future, *done) = (None, Some(value));
            }
        }
        if pending.iter().all(|(future, _)| future.is_none()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_counts_for_its_name_and_the_right_password_clears_it() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    place.add("bob", &[]).await;
    for _ in 0..4 {
        place.try_sign_in("ann", "wrong").await.expect_status(401);
    }
    place.sign_in("bob").await;
    place.sign_in("ann").await;
    for _ in 0..4 {
        place.try_sign_in("Ann", "wrong").await.expect_status(401);
    }
    place.sign_in("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sites_own_pages_and_json_sign_people_in() {
    let place = Place::new().await;
    place.add("ann", &[]).await;
    let body = json!({ "name": "ann", "password": PASSWORD });
    let request = || Request::post("/_seawall/auth/sign-in").json(&body);
    let client = place.app.client();
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1"),
    ] {
        client.request(request().header(name, value)).await.expect_problem(403, "cross-site-refused");
    }
    let own = format!("http://{}", place.app.public());
    client.request(request().header("Origin", own).header("Sec-Fetch-Site", "same-origin")).await.expect_status(200);
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let form = Request::post("/_seawall/auth/sign-in").header("Content-Type", kind).body(body.to_string());
        client.request(form).await.expect_problem(415, "json-required");
    }
    for wrong in [r#"{"name":"ann"}"#, "{", r#"{"name":1,"password":"x"}"#, r#"{"name":"a","password":"b","c":1}"#] {
        let sent = Request::post("/_seawall/auth/sign-in").header("Content-Type", "application/json").body(wrong);
        client.request(sent).await.expect_problem(400, "invalid-input");
    }
    let large = json!({ "name": "ann", "password": "x".repeat(20_000) });
    client.post_json("/_seawall/auth/sign-in", &large).await.expect_problem(413, "request-too-large");
    client.get("/_seawall/auth/sign-in").await.expect_problem(405, "method-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_tried_so_often_and_no_oftener() {
    let configuration = CONFIGURATION.replace("sign_in_limits = []", "sign_in_limits = [\"2/min per ip\"]");
    let place = Place::with(&configuration).await;
    place.add("ann", &[]).await;
    for _ in 0..2 {
        place.sign_in("ann").await;
    }
    place.try_sign_in("ann", PASSWORD).await.expect_problem(429, "quota-exceeded");
    place.app.client().get("/_seawall/auth/session").await.expect_problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_is_signed_in_and_names_are_taken_once() {
    let closed = Place::new().await;
    let asked = json!({ "name": "new", "password": PASSWORD });
    closed.app.client().post_json("/_seawall/auth/register", &asked).await.expect_problem(404, "not-found");
    let place = Place::with(&CONFIGURATION.replace("enabled = true", "enabled = true\nregistration = \"open\"")).await;
    let register = async |name: &str, password: &str| {
        let asked = json!({ "name": name, "password": password });
        place.app.client().post_json("/_seawall/auth/register", &asked).await
    };
    let registered = register("New One", PASSWORD).await.expect_status(201);
    place.get("/private/a", &cookie(&registered)).await.expect_status(200);
    place.get("/admin/a", &cookie(&registered)).await.expect_problem(403, "not-allowed");
    register("new one", PASSWORD).await.expect_problem(409, "name-taken");
    register("\u{202e}x", PASSWORD).await.expect_problem(400, "invalid-input");
    for bad in ["short", "password123", "otherother"] {
        register("other", bad).await.expect_problem(422, "password-refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_ends_https_the_cookie_is_protected_and_plain_http_refused() {
    let configuration = format!("{CONFIGURATION}\n[client_address]\ntrusted = [\"127.0.0.1\"]\n");
    let place = Place::with(&configuration).await;
    place.add("ann", &[]).await;
    let body = json!({ "name": "ann", "password": PASSWORD });
    let sign_in = || Request::post("/_seawall/auth/sign-in").json(&body).header("X-Forwarded-For", "192.0.2.7");
    let client = place.app.client();
    client.request(sign_in().header("X-Forwarded-Proto", "http")).await.expect_problem(403, "https-required");
    let answer = client.request(sign_in().header("X-Forwarded-Proto", "https")).await.expect_status(200);
    let written = answer.header("set-cookie").unwrap();
    assert!(written.starts_with("__Host-seawall=") && written.ends_with("HttpOnly; SameSite=Lax; Secure"), "{written}");
    place.get("/private/a", &cookie(&answer)).await.expect_status(200);
}

/// Of two readers of such a body, each may see another name.
#[tokio::test(flavor = "multi_thread")]
async fn wk_1_a_body_that_is_read_in_two_ways_or_is_too_deep_is_refused_and_no_value_of_it_is_told() {
    let place = Place::with_devices().await;
    place.add("ann", &[]).await;
    let session = place.sign_in("ann").await;
    let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(10), "]".repeat(10));
    for (body, why) in [
        (r#"{"name":"ann","name":"s3cret"}"#, "the same key twice in an object, at byte 20 (/name)"),
        (deep.as_str(), "arrays and objects too deep in one another, at byte 17 (/name/0/0/0/0/0/0/0/0/0)"),
        (r#"{"name":"s3cret\u0000"}"#, "the character U+0000"),
        (r#"{"name":"\ud800s3cret"}"#, "half of a surrogate pair"),
        (r#"{"name":"s3cret"} {}"#, "something follows the value"),
        ("{\"name\":\"s3cret\n\"}", "a control character that is not escaped"),
    ] {
        for path in ["sign-in", "token", "devices/code", "devices/approve", "app-sessions", "keys"] {
            let request = Request::post(format!("/_seawall/auth/{path}")).header("Content-Type", "application/json");
            let answer = place.app.client().request(request.header("Cookie", &*session).body(body)).await;
            let text = answer.text();
            assert!(text.contains(why) && !text.contains("s3cret"), "{path} {body}: {text}");
            answer.expect_problem(400, "invalid-input");
        }
    }
}
