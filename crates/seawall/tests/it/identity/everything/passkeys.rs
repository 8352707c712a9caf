//! What people do with passkeys: one is made, signs in, is renamed, is copied, and one is removed.

use serde_json::{Value, json};

use super::Everything;
use crate::identity::{PASSWORD, authenticator::Device, cookie};

const ORIGIN: &str = "https://app.example";

impl Everything {
    pub(super) async fn passkeys(&mut self) {
        self.operator("POST", "/api/users", json!({ "name": "Philippa", "password": PASSWORD })).await;
        let session = self.sign_in("Philippa", PASSWORD).await;
        let mut device = Device::new(ORIGIN, b"one");
        let (id, session) = self.passkey(&session, &mut device).await;
        self.post(&format!("passkeys/{id}/name"), &session, json!({ "name": "Laptop" })).await.expect_status(200);
        let (_, session) = self.passkey(&session, &mut Device::new(ORIGIN, b"two")).await;
        self.delete(&format!("passkeys/{id}"), &session).await.expect_status(204);

        let mut third = Device::new(ORIGIN, b"three");
        self.passkey(&session, &mut third).await;
        for counter in [6, 7] {
            third.counter = counter;
            let (options, kept) = self.ceremony("sign-in", "").await;
            let body = json!({ "credential": third.show(&options) });
            let signed_in = self.post("passkeys/sign-in", &kept, body).await.expect_status(200);
            self.welcomed(&signed_in);
        }
        third.counter = 6;
        let (options, kept) = self.ceremony("sign-in", "").await;
        let body = json!({ "credential": third.show(&options) });
        self.post("passkeys/sign-in", &kept, body).await.expect_problem(401, "passkey-refused");
    }

    /// Makes one; answers its id and the session.
    pub(super) async fn passkey(&mut self, session: &str, device: &mut Device) -> (String, String) {
        let (options, cookies) = self.ceremony("register", session).await;
        let body = json!({ "credential": device.make(&options), "name": "Phone" });
        let added = self.post("passkeys/register", &cookies, body).await.expect_status(201);
        let session = self.welcomed(&added);
        for code in added.json()["recovery_codes"].as_array().into_iter().flatten() {
            self.issued("a recovery code beside a passkey", code.as_str().unwrap());
        }
        (added.json()["passkey"]["id"].as_str().unwrap().to_owned(), session)
    }

    /// The options of a ceremony, and the cookies with the one that keeps it.
    pub(super) async fn ceremony(&mut self, what: &str, session: &str) -> (Value, String) {
        let answer = self.post(&format!("passkeys/{what}/options"), session, json!({})).await.expect_status(200);
        let kept = cookie(&answer);
        self.issued("a ceremony with a passkey", kept.split_once('=').unwrap().1);
        let challenge = answer.json()["challenge"].as_str().unwrap().to_owned();
        self.issued("the challenge of a ceremony", challenge);
        (answer.json(), if session.is_empty() { kept } else { format!("{session}; {kept}") })
    }
}
