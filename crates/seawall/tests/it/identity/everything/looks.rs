//! What changes little, and is asked so that each of Seawall's own paths has answered: lists, and ways that the others leave out.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Everything, Exchange};
use crate::identity::{PASSWORD, authenticator::Device, oidc};

impl Everything {
    pub(in crate::identity) async fn looks(&mut self) {
        self.things_of_a_person().await;
        self.a_passkey_in_each_place().await;
        self.codes_of_an_app().await;
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        self.delete("sessions", &session).await.expect_status(200);
        self.post("refresh", "", json!({ "refresh_token": "none" })).await.expect_problem(401, "invalid-credential");
        for path in ["auth/jwks.json", "health/live", "health/ready", "openapi.json", "problems/not-signed-in"] {
            let path = format!("/_seawall/{path}");
            let answer = self.place.get(&path, "").await.expect_status(200);
            self.exchanges.lock().unwrap().push(Exchange { method: "GET", path, body: None, answer });
        }
    }

    /// A list has rows when it is looked at.
    async fn things_of_a_person(&mut self) {
        let globex = self.operator("POST", "/api/organisations", json!({ "name": "globex", "tier": "pro" })).await;
        let member = json!({ "user": "Bartholomew", "role": "admin" });
        self.operator("POST", "/api/organisations/globex/members", member).await;
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        let acting = self.post("organisation", &session, json!({ "organisation": globex["id"] })).await;
        let session = self.welcomed(&acting.expect_status(200));
        self.post("keys", &session, json!({ "label": "nightly", "rate": "7/min" })).await.expect_status(201);
        let begun = self.pairing().await;
        let code = json!({ "code": begun["user_code"] });
        self.post("devices/look", &session, code.clone()).await.expect_status(200);
        self.post("devices/approve", &session, code).await.expect_status(200);
        self.clock.advance(Duration::from_secs(6));
        let asked = json!({ "device_code": begun["device_code"] });
        self.post("devices/token", "", asked).await.expect_status(201);
        let game = self.post("app-sessions", &session, json!({ "name": "game" })).await.expect_status(201).json();
        let game = format!("app-sessions/{}", game["id"].as_str().unwrap());
        let sent = self.post("oidc/one/link", &session, json!({})).await.expect_status(200);
        let way = oidc::begun(sent.json()["location"].as_str().unwrap(), crate::identity::cookie(&sent));
        self.back_from_the_issuer(way, "bart", &session).await;
        let lists = ["app-sessions", "csrf-token", "devices", "email", "factors", "keys", "links", "organisations"];
        for list in lists.into_iter().chain(["passkeys", "session", "sessions", &game]) {
            self.ask("GET", list, &session, None).await.expect_status(200);
        }
        let links = self.ask("GET", "links", &session, None).await.json();
        let link = format!("links/{}", links["data"][0]["id"].as_str().unwrap());
        self.delete(&link, &session).await.expect_status(204);
    }

    async fn a_passkey_in_each_place(&mut self) {
        self.operator("POST", "/api/users", json!({ "name": "Penelope", "password": PASSWORD })).await;
        let session = self.sign_in("Penelope", PASSWORD).await;
        let mut device = Device::new("https://app.example", b"four");
        let (_, session) = self.passkey(&session, &mut device).await;
        for list in ["passkeys", "factors"] {
            self.ask("GET", list, &session, None).await.expect_status(200);
        }
        device.counter = 6;
        let (options, cookies) = self.ceremony("confirm", &session).await;
        let body = json!({ "credential": device.show(&options) });
        self.post("passkeys/confirm", &cookies, body).await.expect_status(200);
        let body = json!({ "name": "Penelope", "password": PASSWORD });
        let first = self.post("sign-in", "", body.clone()).await.expect_status(202).json();
        device.counter = 7;
        let ticket: &Value = &first["ticket"];
        let options = self.post("passkeys/second/options", "", json!({ "ticket": ticket })).await.expect_status(200);
        let shown = json!({ "ticket": ticket, "credential": device.show(&options.json()) });
        let kept = crate::identity::cookie(&options);
        self.post("passkeys/second", &kept, shown).await.expect_status(200);
        self.post("token", "", body).await.expect_status(202);
    }

    async fn codes_of_an_app(&mut self) {
        self.operator("POST", "/api/users", json!({ "name": "Quentin", "password": PASSWORD })).await;
        let session = self.sign_in("Quentin", PASSWORD).await;
        let (_, session) = self.enrol(&session).await;
        self.ask("GET", "factors", &session, None).await.expect_status(200);
    }
}
