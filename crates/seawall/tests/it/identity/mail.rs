//! Mail over sockets: forgotten passwords, addresses, notices, and what is done without a mail server.

use std::{fs, time::Duration};

use seawall_testkit::{
    MailServer, Manner,
    client::{RawResponse, Request},
};
use serde_json::{Value, json};

use super::{PASSWORD, Place, cookie};

const OTHER: &str = "a rather different one";

/// A Seawall whose letters go to a server.
async fn with_mail(manner: Manner) -> (Place, MailServer) {
    let server = MailServer::start(manner).await;
    let configuration = format!(
        "[identity]\nenabled = true\nsign_in_limits = []\nurl = \"https://app.example\"\nauthenticator_name = \"My App\"\n\
         [mail]\nurl = \"{}\"\nfrom = \"My App <no-reply@app.example>\"\ntimeout = \"1s\"\n\
         [rate_limit]\nlimits = []\n[route.\"/private/*\"]\naccess.require = \"user\"\n",
        server.url()
    );
    (Place::with(&configuration).await, server)
}

impl Place {
    /// Adds a user who has an address.
    async fn add_with_address(&self, name: &str, email: &str) -> String {
        let body = json!({ "name": name, "email": email, "password": PASSWORD });
        let added = self.operator("POST", "/api/users", Some(body)).await.expect_status(201);
        added.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Place {
    /// Waits until a letter was set aside, and answers what operators are shown.
    async fn until_dead(&self) -> Value {
        let look = async {
            loop {
                let shown = self.operator("GET", "/api/mail/dead", None).await.expect_status(200).json();
                if shown["data"].as_array().is_some_and(|letters| !letters.is_empty()) {
                    return shown;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), look).await.expect("a letter is set aside")
    }
}

async fn post(place: &Place, path: &str, cookie: &str, body: Value) -> RawResponse {
    place.ask("POST", &format!("/_seawall/auth/{path}"), cookie, Some(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_the_password_gets_a_link_that_serves_once_and_signs_nobody_in() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "ann@example.org").await;
    let session = place.sign_in("ann").await;
    assert_eq!(mail.until_letters(1).await[0].header("Subject"), Some("New sign-in to My App"));
    post(&place, "forgot", "", json!({ "email": " ANN@Example.org" })).await.expect_status(202);
    let letter = mail.until_letters(2).await.remove(1);
    assert_eq!(
        (letter.to.as_slice(), letter.header("Auto-Submitted")),
        (&["ann@example.org".to_owned()][..], Some("auto-generated"))
    );
    let (page, token) = letter.link();
    assert_eq!((page.as_str(), token.len()), ("https://app.example/_seawall/auth/reset", 43));

    let shown = place.get("/_seawall/auth/reset", "").await.expect_status(200);
    assert_eq!(
        (shown.header("referrer-policy"), shown.header("cache-control")),
        (Some("same-origin"), Some("no-store"))
    );
    assert!(shown.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self';"));

    let short = json!({ "token": token, "password": "short" });
    post(&place, "reset", "", short).await.expect_problem(422, "password-refused");
    let body = json!({ "token": token, "password": OTHER });
    let done = post(&place, "reset", "", body.clone()).await.expect_status(204);
    assert_eq!(done.header("set-cookie"), None);
    post(&place, "reset", "", body).await.expect_problem(403, "reset-refused");
    place.get("/private/a", &session).await.expect_problem(401, "not-signed-in");
    place.try_sign_in("ann", PASSWORD).await.expect_problem(401, "sign-in-refused");
    place.try_sign_in("ann", OTHER).await.expect_status(200);
    let told = mail.until_letters(3).await;
    assert_eq!(told[2].header("Subject"), Some("Your password for My App was changed"));
    nothing_of(&place, &[&token, OTHER]).await;
}

/// A copy of the database and the log hold none of these.
async fn nothing_of(place: &Place, secrets: &[&str]) {
    let mut looked = 0;
    for file in fs::read_dir(place.app.data()).unwrap().flatten() {
        let Ok(bytes) = fs::read(file.path()) else { continue };
        looked += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} holds {secret}", file.path().display());
        }
    }
    assert!(looked > 1, "the database was looked at");
    for secret in secrets {
        assert!(!place.app.log_text().contains(secret), "the log holds {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_names_and_addresses_get_equal_bytes() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "ann@example.org").await;
    place.add("bob", &[]).await;
    let mut answers = Vec::new();
    for body in [
        json!({ "name": "ann" }),
        json!({ "name": "bob" }),
        json!({ "email": "nobody@example.org" }),
        json!({ "email": "no address\r\nBcc: x@example.org" }),
        json!({ "name": "x".repeat(5_000) }),
    ] {
        let answer = post(&place, "forgot", "", body).await.expect_status(202);
        let names: Vec<String> = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        answers.push((names, answer.body.clone()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let letters = mail.until_letters(1).await;
    post(&place, "forgot", "", json!({ "name": "ann" })).await.expect_status(202);
    assert_eq!((letters.len(), mail.until_letters(2).await.len()), (1, 2), "one for each time that she was meant");
    for (body, wrong) in [(json!({}), 400), (json!({ "name": "a", "email": "b" }), 400)] {
        post(&place, "forgot", "", body).await.expect_status(wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_where_the_configuration_says_whatever_the_request_says() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "ann@example.org").await;
    let request = Request::new("POST", "/_seawall/auth/forgot")
        .header("X-Forwarded-Host", "evil.example")
        .header("Forwarded", "host=evil.example")
        .json(&json!({ "name": "ann" }));
    place.app.client().request(request).await.expect_status(202);
    let letter = mail.until_letters(1).await.remove(0);
    assert!(letter.link().0.starts_with("https://app.example/") && !letter.raw.contains("evil"), "{}", letter.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_again_and_again() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "ann@example.org").await;
    place.add_with_address("bob", "bob@example.org").await;
    for _ in 0..6 {
        post(&place, "forgot", "", json!({ "name": "ann" })).await.expect_status(202);
    }
    mail.until_letters(3).await;
    post(&place, "forgot", "", json!({ "name": "bob" })).await.expect_status(202);
    let letters = mail.until_letters(4).await;
    let to_ann = letters.iter().filter(|letter| letter.to == ["ann@example.org"]).count();
    assert_eq!((to_ann, letters.len()), (3, 4));
    // Each link holds until one is used: whoever asks again keeps nobody from choosing.
    let body = json!({ "token": letters[0].link().1, "password": OTHER });
    post(&place, "reset", "", body).await.expect_status(204);
    let body = json!({ "token": letters[1].link().1, "password": OTHER });
    post(&place, "reset", "", body).await.expect_problem(403, "reset-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_ones_own_once_the_link_that_went_there_was_used() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "old@example.org").await;
    let session = place.sign_in("ann").await;
    mail.until_letters(1).await;
    let injected = json!({ "email": "new@example.org\r\nBcc: all@example.org" });
    post(&place, "email", &session, injected).await.expect_problem(400, "invalid-input");
    post(&place, "email", &session, json!({ "email": "new@example.org" })).await.expect_status(202);
    let shown = place.get("/_seawall/auth/email", &session).await.expect_status(200).json();
    assert_eq!((&shown["email"], &shown["wanted"]), (&json!("old@example.org"), &json!("new@example.org")));
    let letter = mail.until_letters(2).await.remove(1);
    let (page, token) = letter.link();
    assert_eq!(
        (letter.to, page.as_str()),
        (vec!["new@example.org".to_owned()], "https://app.example/_seawall/auth/email/verify")
    );
    for forged in ["", "x", &"A".repeat(43)] {
        post(&place, "email/verify", "", json!({ "token": forged })).await.expect_problem(403, "link-refused");
    }
    // The link is opened elsewhere, without a session.
    post(&place, "email/verify", "", json!({ "token": token })).await.expect_status(204);
    post(&place, "email/verify", "", json!({ "token": token })).await.expect_problem(403, "link-refused");
    let shown = place.get("/_seawall/auth/email", &session).await.expect_status(200).json();
    assert_eq!((&shown["email"], &shown["wanted"]), (&json!("new@example.org"), &Value::Null));
    assert!(shown["verified_at"].is_string(), "{shown}");
    let told = mail.until_letters(3).await.remove(2);
    assert_eq!((told.to, told.raw.contains("was changed")), (vec!["old@example.org".to_owned()], true));
    for _ in 0..4 {
        post(&place, "email", &session, json!({ "email": "new@example.org" })).await.expect_status(202);
    }
    let paused = post(&place, "email", &session, json!({ "email": "new@example.org" })).await;
    paused.expect_problem(429, "too-many-mails");
    assert!(paused.header("retry-after").is_some());
    nothing_of(&place, &[&token]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_refused_is_set_aside_and_one_that_waits_is_sent_once_the_server_takes_it() {
    let (place, mail) = with_mail(Manner::Refuses).await;
    place.add_with_address("ann", "ann@example.org").await;
    post(&place, "forgot", "", json!({ "name": "ann" })).await.expect_status(202);
    place.app.until_metric("seawall_outbox_deliveries", &["mail", "dead"], 1.0).await;
    let dead = place.until_dead().await;
    let (id, failure) = (dead["data"][0]["id"].as_str().unwrap(), dead["data"][0]["failure"].as_str().unwrap());
    assert!(failure.contains("550") && !failure.contains('@'), "{failure}");
    let said = place.operator("POST", "/api/mail/test", Some(json!({ "address": "x@example.org" }))).await;
    assert_eq!(said.status, 502, "{}", said.text());

    mail.behave(Manner::Busy);
    place.operator("POST", &format!("/api/mail/dead/{id}/retry"), None).await.expect_status(200);
    place.app.until_metric("seawall_outbox_deliveries", &["mail", "failed"], 1.0).await;
    let health = place.operator("GET", "/health", None).await.json();
    assert_eq!(
        (&health["checks"]["mail"]["status"], &health["checks"]["mail"]["required"]),
        (&json!("failed"), &json!(false))
    );
    mail.behave(Manner::Takes);
    let letter = mail.until_letters(1).await.remove(0);
    let body = json!({ "token": letter.link().1, "password": OTHER });
    post(&place, "reset", "", body).await.expect_status(204);
    place.operator("POST", "/api/mail/test", Some(json!({ "address": "x@example.org" }))).await.expect_status(200);
    place.operator("POST", "/api/mail/dead/none/discard", None).await.expect_status(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_keeps_nobody_waiting() {
    let (place, mail) = with_mail(Manner::Stalls).await;
    place.add_with_address("ann", "ann@example.org").await;
    post(&place, "forgot", "", json!({ "name": "ann" })).await.expect_status(202);
    mail.until_connections(1).await;
    place.app.until_metric("seawall_outbox_deliveries", &["mail", "failed"], 1.0).await;
    mail.behave(Manner::Takes);
    mail.until_letters(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_everybody_is_told_what_to_do() {
    let elsewhere =
        "environment = \"staging\"\n[identity]\nenabled = true\n[client_address]\ntrusted = [\"127.0.0.1\"]\n";
    let place = Place::with(elsewhere).await;
    for name in ["ann", "nobody"] {
        let request = Request::new("POST", "/_seawall/auth/forgot").header("X-Forwarded-Proto", "https");
        let request = request.header("X-Forwarded-For", "192.0.2.1").json(&json!({ "name": name }));
        place.app.client().request(request).await.expect_problem(501, "mail-unavailable");
    }
    let said = place.operator("POST", "/api/mail/test", Some(json!({ "address": "x@example.org" }))).await;
    assert!(said.status == 409 && said.text().contains("[mail]"), "{}", said.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_passes_by_no_second_factor_and_changes_of_factors_are_told() {
    let (place, mail) = with_mail(Manner::Takes).await;
    place.add_with_address("ann", "ann@example.org").await;
    let session = place.sign_in("ann").await;
    let enrolment = post(&place, "factors/totp", &session, json!({})).await.expect_status(201).json();
    let code = super::totp(enrolment["secret"].as_str().unwrap());
    let first = post(&place, "factors/totp/confirm", &session, json!({ "code": code })).await.expect_status(200);
    let session = cookie(&first);
    let told = mail.until_letters(2).await;
    assert_eq!(told[1].header("Subject"), Some("A second factor was added at My App"));
    post(&place, "forgot", "", json!({ "name": "ann" })).await.expect_status(202);
    let token = mail.until_letters(3).await[2].link().1;
    post(&place, "reset", "", json!({ "token": token, "password": OTHER })).await.expect_status(204);
    place.get("/private/a", &session).await.expect_problem(401, "not-signed-in");
    place.try_sign_in("ann", OTHER).await.expect_status(202);
}
