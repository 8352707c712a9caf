//! What people do: the first one, sessions, passwords, letters, second factors, accounts elsewhere.

use std::time::Duration;

use serde_json::{Value, json};

use super::Everything;
use crate::identity::{PASSWORD, oidc, totp_at};

const SECOND: &str = "a second one that holds";
const THIRD: &str = "a third one from a letter";
const FOURTH: &str = "a fourth one by an operator";

impl Everything {
    pub(super) async fn the_first_user(&mut self) {
        // It is logged before the server is said to have started.
        let log = self.log();
        let token = log.rsplit("\\\"token\\\": \\\"").next().and_then(|rest| rest.split('\\').next()).unwrap();
        let token = self.issued("the token of the first user", token);
        let password = self.issued("the first password", "the first password of all");
        let body = json!({ "token": token, "name": "Rosalind", "password": password });
        self.post("first", "", body).await.expect_status(201);
    }

    pub(super) async fn sessions_and_passwords(&mut self) {
        self.issued("a password", PASSWORD);
        let ann = json!({ "name": "Annabella", "email": "ann@example.org", "password": PASSWORD });
        self.operator("POST", "/api/users", ann).await;
        self.operator("POST", "/api/users", json!({ "name": "Bartholomew", "password": PASSWORD })).await;
        let password = self.issued("a password of who registered", "registered by herself");
        let eve = self.post("register", "", json!({ "name": "Evangeline", "password": password })).await;
        self.welcomed(&eve.expect_status(201));

        let wrong = self.issued("what was typed for a password", "typed in a hurry 123");
        self.place.try_sign_in("Annabella", &wrong).await.expect_problem(401, "sign-in-refused");
        let mistaken = self.issued("what was typed for a name", "my password in the wrong field");
        self.place.try_sign_in(&mistaken, PASSWORD).await.expect_problem(401, "sign-in-refused");
        let (first, other) = (self.sign_in("Annabella", PASSWORD).await, self.sign_in("Annabella", PASSWORD).await);
        self.place.get("/private/a", &first).await.expect_status(200);
        let proof = self.place.upstream.requests().pop().unwrap().header("x-seawall-token").unwrap().to_owned();
        self.issued("proof for the application", proof);
        let listed = self.place.get("/_seawall/auth/sessions", &other).await.json();
        let id = listed["data"].as_array().unwrap().iter().find(|one| one["current"] == false).unwrap()["id"].clone();
        self.delete(&format!("sessions/{}", id.as_str().unwrap()), &other).await.expect_status(204);
        let confirmed = self.post("confirm", &other, json!({ "password": PASSWORD })).await.expect_status(200);
        let session = self.welcomed(&confirmed);
        self.issued("a password that was chosen", SECOND);
        let body = json!({ "current": PASSWORD, "new": SECOND });
        let changed = self.post("password", &session, body).await.expect_status(200);
        let session = self.welcomed(&changed);
        self.post("sign-out", &session, json!({})).await.expect_status(204);
    }

    pub(super) async fn letters(&mut self) {
        let session = self.sign_in("Annabella", SECOND).await;
        self.post("email", &session, json!({ "email": "annabella@example.org" })).await.expect_status(202);
        let token = self.link("/email/verify").await;
        self.post("email/verify", "", json!({ "token": token })).await.expect_status(204);
        self.post("forgot", "", json!({ "name": "Annabella" })).await.expect_status(202);
        let token = self.link("/auth/reset").await;
        self.issued("a password from a letter", THIRD);
        self.post("reset", "", json!({ "token": token, "password": THIRD })).await.expect_status(204);
        let offer = self.operator("POST", "/api/users/Annabella/reset", Value::Null).await;
        let token = self.issued_in("a token of an operator", &offer, "token");
        self.issued("a password by an operator's token", FOURTH);
        self.post("reset", "", json!({ "token": token, "password": FOURTH })).await.expect_status(204);
    }

    /// The second of them stays, so that its seed stands in the store.
    pub(super) async fn second_factors(&mut self) {
        let session = self.sign_in("Annabella", FOURTH).await;
        let (codes, session) = self.enrol(&session).await;
        let body = json!({ "name": "Annabella", "password": FOURTH });
        let first = self.post("sign-in", "", body).await.expect_status(202).json();
        let ticket = self.issued_in("a ticket", &first, "ticket");
        let wrong = json!({ "ticket": ticket, "code": "not a code" });
        self.post("sign-in/second", "", wrong).await.expect_problem(401, "code-refused");
        let body = json!({ "ticket": ticket, "code": codes[0] });
        let second = self.post("sign-in/second", "", body).await.expect_status(200);
        self.welcomed(&second);
        let made = self.post("factors/recovery-codes", &session, json!({})).await;
        assert!((200..300).contains(&made.status), "{made:?}");
        self.recovery_codes(&made.json());
        let removed = self.delete("factors/totp", &session).await;
        assert!((200..300).contains(&removed.status), "{removed:?}");
        self.clock.advance(Duration::from_secs(60));
        let session = self.sign_in("Annabella", FOURTH).await;
        self.enrol(&session).await;
    }

    pub(super) async fn enrol(&mut self, session: &str) -> (Vec<String>, String) {
        let enrolment = self.post("factors/totp", session, json!({})).await.expect_status(201).json();
        let seed = self.issued_in("a seed", &enrolment, "secret");
        let code = totp_at(&seed, self.second());
        let first = self.post("factors/totp/confirm", session, json!({ "code": code })).await.expect_status(200);
        let codes = self.recovery_codes(&first.json());
        (codes, self.welcomed(&first))
    }

    fn recovery_codes(&mut self, answer: &Value) -> Vec<String> {
        let codes: Vec<String> = serde_json::from_value(answer["recovery_codes"].clone()).unwrap();
        assert_eq!(codes.len(), 10);
        codes.into_iter().map(|code| self.issued("a recovery code", code)).collect()
    }

    pub(super) async fn accounts_elsewhere(&mut self) {
        let way = oidc::begin(&self.place, "one").await;
        let answer = self.back_from_the_issuer(way, "stranger", "").await;
        let session = oidc::session(&answer);
        self.issued("a session by an issuer", session.split_once('=').unwrap().1);
        let bob = self.sign_in("Bartholomew", PASSWORD).await;
        let sent = self.post("oidc/one/link", &bob, json!({})).await.expect_status(200);
        let way = oidc::begun(sent.json()["location"].as_str().unwrap(), crate::identity::cookie(&sent));
        self.back_from_the_issuer(way, "bartholomew", &bob).await;
        self.operator("POST", "/api/users/Bartholomew/links/remove", json!({})).await;
    }
}
