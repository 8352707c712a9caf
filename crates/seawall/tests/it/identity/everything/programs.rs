//! What programs and devices have: tokens, API keys, credentials of devices, sessions of the application.

use std::time::Duration;

use serde_json::{Value, json};

use super::Everything;
use crate::identity::PASSWORD;

impl Everything {
    fn both_tokens(&mut self, answer: &Value) -> (String, String) {
        let access = self.issued_in("an access token", answer, "access_token");
        (access, self.issued_in("a refresh token", answer, "refresh_token"))
    }

    /// One family goes on, and one ends by a replay.
    pub(super) async fn tokens(&mut self) {
        let asked = json!({ "name": "Bartholomew", "password": PASSWORD });
        for replayed in [false, true] {
            let first = self.post("token", "", asked.clone()).await.expect_status(200).json();
            let (access, refresh) = self.both_tokens(&first);
            self.bearer("/private/a", &access).await.expect_status(200);
            let body = json!({ "refresh_token": refresh });
            let second = self.post("refresh", "", body.clone()).await.expect_status(200).json();
            self.both_tokens(&second);
            if replayed {
                self.clock.advance(Duration::from_secs(11));
                self.post("refresh", "", body).await.expect_problem(401, "invalid-credential");
            }
        }
    }

    pub(super) async fn keys(&mut self) {
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        let asked = json!({ "label": "nightly", "scopes": ["orders:read"] });
        let made = self.post("keys", &session, asked.clone()).await.expect_status(201).json();
        let (key, id) = (self.issued_in("an API key", &made, "key"), made["id"].as_str().unwrap().to_owned());
        self.bearer("/open", &key).await.expect_status(200);
        let rotated = self.post(&format!("keys/{id}/rotate"), &session, json!({ "overlap": "1h" })).await;
        self.issued_in("the successor of an API key", &rotated.expect_status(201).json(), "key");
        self.delete(&format!("keys/{id}"), &session).await.expect_status(204);
        self.bearer("/open", &key).await.expect_problem(401, "invalid-credential");
        let made = self.operator("POST", "/api/users/Bartholomew/keys", asked).await;
        self.issued_in("an API key by an operator", &made, "key");
        self.until_audited("key.refused").await;
    }

    pub(super) async fn pairing(&mut self) -> Value {
        let begun = self.post("devices/code", "", json!({ "name": "television" })).await.expect_status(200).json();
        self.issued_in("a code on a screen", &begun, "user_code");
        self.issued_in("the secret of a device that waits", &begun, "device_code");
        begun
    }

    pub(super) async fn devices(&mut self) {
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        self.pairing().await;
        let begun = self.pairing().await;
        let wrong = json!({ "code": "BBBB-BBBB" });
        self.post("devices/approve", &session, wrong).await.expect_problem(403, "device-refused");
        let code = json!({ "code": begun["user_code"] });
        self.post("devices/approve", &session, code).await.expect_status(200);
        self.clock.advance(Duration::from_secs(6));
        let asked = json!({ "device_code": begun["device_code"] });
        let paired = self.post("devices/token", "", asked).await.expect_status(201).json();
        let credential = self.issued_in("the credential of a device", &paired, "credential");
        self.bearer("/open", &credential).await.expect_status(200);
        let own = format!("devices/{}", paired["id"].as_str().unwrap());
        self.post(&format!("{own}/name"), &session, json!({ "name": "kitchen" })).await.expect_status(200);
        self.delete(&own, &session).await.expect_status(204);
    }

    pub(super) async fn sessions_of_the_application(&mut self) {
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        let begun = self.post("app-sessions", &session, json!({ "name": "game" })).await.expect_status(201).json();
        let own = format!("app-sessions/{}", begun["id"].as_str().unwrap());
        let mut tokens = Vec::new();
        for _ in 0..2 {
            let offered = self.post(&format!("{own}/token"), &session, json!({})).await.expect_status(201).json();
            tokens.push(self.issued_in("a token to join", &offered, "token"));
        }
        self.post("app-sessions/join", &session, json!({ "token": tokens[0] })).await.expect_status(200);
        self.delete(&own, &session).await.expect_status(204);
    }
}
