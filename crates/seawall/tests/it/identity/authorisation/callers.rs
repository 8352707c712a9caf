//! Everybody who asks, with what each shows.

use std::{sync::Arc, time::Duration};

use seawall_core::clock::Clock;
use seawall_testkit::{
    ManualClock, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::endpoints::Endpoint;
use crate::identity::{Place, authenticator::Device, cookie, totp_at};

const ADMIN_KEY: &str = "the-operators-key-of-the-table";
const AUTH: &str = "/_seawall/auth";

/// Who asks, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Nobody,
    Other,
    Admin,
    Old,
    Second,
    Member,
    Disabled,
    Key,
    Scoped,
    Device,
    Owner,
}

impl Caller {
    pub(super) const ALL: [Self; 11] = [
        Self::Nobody,
        Self::Other,
        Self::Admin,
        Self::Old,
        Self::Second,
        Self::Member,
        Self::Disabled,
        Self::Key,
        Self::Scoped,
        Self::Device,
        Self::Owner,
    ];

    /// As the head of the column has it; users are called so too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Other => "other",
            Self::Admin => "admin",
            Self::Old => "old",
            Self::Second => "second",
            Self::Member => "member",
            Self::Disabled => "disabled",
            Self::Key => "key",
            Self::Scoped => "scoped",
            Self::Device => "device",
            Self::Owner => "owner",
        }
    }

    /// Whether it is a person with a session.
    const fn person(self) -> bool {
        !matches!(self, Self::Nobody | Self::Key | Self::Scoped | Self::Device)
    }
}

/// All of them before one Seawall.
pub(super) struct Callers {
    place: Place,
    clock: Arc<ManualClock>,
    /// What each shows: the name of a field and its value.
    shown: [(&'static str, String); 11],
}

fn bearer(answer: &Value, field: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {}", answer[field].as_str().unwrap()))
}

impl Callers {
    pub(super) const OPERATORS: [&'static str; 7] = ["nobody", "wrong", "admin", "key", "device", "X-Key", "token"];

    /// How many of those are no operators.
    pub(super) const STRANGERS: usize = 5;

    pub(super) async fn new(configuration: &str) -> Self {
        let (upstream, clock) = (Upstream::start(Kind::ByPath).await, Arc::new(ManualClock::default()));
        let configuration = format!("{configuration}[admin]\nkey = \"{ADMIN_KEY}\"\n");
        let app = TestApp::in_front_of(upstream.url()).with_config(&configuration).with_clock(Arc::clone(&clock) as _);
        let place = Place { upstream, app: app.start().await };
        let mut own = Self { place, clock, shown: std::array::from_fn(|_| ("Cookie", String::new())) };
        for caller in Caller::ALL.into_iter().filter(|caller| caller.person()) {
            let roles: &[&str] = if caller == Caller::Admin { &["admin"] } else { &[] };
            own.place.add(caller.name(), roles).await;
        }
        for (name, tier, members) in
            [("acme", "pro", &[("owner", "admin"), ("member", "member")][..]), ("else", "", &[("other", "admin")])]
        {
            let tier = (!tier.is_empty()).then_some(tier);
            own.operator("/api/organisations", json!({ "name": name, "tier": tier })).await;
            for (user, role) in members {
                let member = json!({ "user": user, "role": role });
                own.operator(&format!("/api/organisations/{name}/members"), member).await;
            }
        }
        own.sign_in(Caller::Old).await;
        own.clock.advance(Duration::from_secs(301));
        for caller in Caller::ALL.into_iter().filter(|caller| caller.person() && *caller != Caller::Old) {
            own.sign_in(caller).await;
        }
        own.enrol().await;
        own.operator("/api/users/disabled/disable", json!(null)).await;
        for (caller, scopes) in [(Caller::Key, json!([])), (Caller::Scoped, json!(["orders:read"]))] {
            let asked = json!({ "label": caller.name(), "scopes": scopes });
            own.shown[caller as usize] = bearer(&own.operator("/api/users/other/keys", asked).await, "key");
        }
        own.shown[Caller::Device as usize] = bearer(&own.paired(Caller::Other).await, "credential");
        own
    }

    async fn operator(&self, path: &str, body: Value) -> Value {
        let answer = self.place.operator("POST", path, (!body.is_null()).then_some(body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.json()
    }

    async fn sign_in(&mut self, caller: Caller) {
        self.shown[caller as usize].1 = self.place.sign_in(caller.name()).await;
    }

    /// One has an authenticator app, and showed a code of it.
    async fn enrol(&mut self) {
        let own = Caller::Second;
        let seed = self.post(own, "factors/totp", json!({})).await.expect_status(201).json();
        let second = i64::try_from(self.clock.now().unix_us / 1_000_000).unwrap();
        let code = totp_at(seed["secret"].as_str().unwrap(), second);
        let answer = self.post(own, "factors/totp/confirm", json!({ "code": code })).await.expect_status(200);
        self.shown[own as usize].1 = cookie(&answer);
    }

    /// Makes a passkey, after which the password alone signs in no more.
    async fn passkey(&mut self, owner: Caller) -> Value {
        let begun = self.post(owner, "passkeys/register/options", json!({})).await.expect_status(200);
        let session = self.shown[owner as usize].1.clone();
        let body = json!({ "credential": Device::new("https://app.example", b"one").make(&begun.json()) });
        let both = format!("{session}; {}", cookie(&begun));
        let path = format!("{AUTH}/passkeys/register");
        let added = self.place.ask("POST", &path, &both, Some(body)).await.expect_status(201);
        self.shown[owner as usize].1 = cookie(&added);
        added.json()["passkey"].clone()
    }

    /// The owner signs in by the password alone again.
    pub(super) async fn without_factors(&mut self) {
        // There are none when the last one was removed by whoever asked.
        let removed = self.place.operator("POST", "/api/users/owner/factors/remove", None).await.status;
        assert!([200, 409].contains(&removed), "{removed}");
        self.sign_in(Caller::Owner).await;
    }

    async fn paired(&self, owner: Caller) -> Value {
        let begun = self.post(Caller::Nobody, "devices/code", json!({ "name": "TV" })).await.expect_status(200).json();
        let code = json!({ "code": begun["user_code"] });
        self.post(owner, "devices/approve", code).await.expect_status(200);
        self.clock.advance(Duration::from_secs(6));
        let asked = json!({ "device_code": begun["device_code"] });
        self.post(Caller::Nobody, "devices/token", asked).await.expect_status(201).json()
    }

    async fn post(&self, caller: Caller, path: &str, body: Value) -> RawResponse {
        self.ask(caller, "POST", &format!("{AUTH}/{path}"), &body).await
    }

    pub(super) async fn ask(&self, caller: Caller, method: &str, path: &str, body: &Value) -> RawResponse {
        let request = Request::new(method, path);
        let request = match &self.shown[caller as usize] {
            (_, nothing) if nothing.is_empty() => request,
            (name, value) => request.header(*name, value),
        };
        let request = if method == "POST" { request.json(body) } else { request };
        self.place.app.client().request(request).await
    }

    /// The path, about something fresh that is the owner's.
    pub(super) async fn fresh(&mut self, path: &str) -> String {
        let id = if path.contains("/devices/{id}") {
            self.paired(Caller::Owner).await
        } else if path.contains("/keys/{id}") {
            self.operator("/api/users/owner/keys", json!({ "label": "fresh" })).await
        } else if path.contains("/app-sessions/{id}") {
            self.post(Caller::Owner, "app-sessions", json!({ "name": "game" })).await.expect_status(201).json()
        } else if path.contains("/sessions/{id}") {
            let session = self.place.sign_in("owner").await;
            let listed = self.place.get(&format!("{AUTH}/sessions"), &session).await.expect_status(200).json();
            listed["data"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap().clone()
        } else if path.contains("/passkeys/{id}") {
            self.passkey(Caller::Owner).await
        } else {
            json!({ "id": "none" })
        };
        let path = path.replace("{id}", id["id"].as_str().unwrap()).replace("{*path}", "orders");
        path.replace("{name}", "none").replace("{slug}", "not-signed-in")
    }

    /// All that is the owner's.
    pub(super) async fn owned(&self) -> Vec<Value> {
        let mut owned = Vec::new();
        for list in ["sessions", "keys", "devices", "app-sessions", "organisations", "factors", "passkeys"] {
            let path = format!("{AUTH}/{list}");
            owned.push(self.ask(Caller::Owner, "GET", &path, &Value::Null).await.expect_status(200).json());
        }
        owned
    }

    /// Signs somebody in again whose session may have ended with what was asked.
    pub(super) async fn renew(&mut self, caller: Caller) {
        let lost =
            async |own: &Self| own.ask(caller, "GET", &format!("{AUTH}/session"), &Value::Null).await.status == 401;
        // Whoever is disabled may sign out, and that is all.
        if caller.person() && caller != Caller::Disabled && lost(self).await {
            if caller == Caller::Second {
                self.operator("/api/users/second/factors/remove", Value::Null).await;
                self.sign_in(caller).await;
                self.enrol().await;
            } else {
                self.sign_in(caller).await;
            }
        }
    }

    /// What the admin interface answers to strangers, and to operators by their key and by the token.
    pub(super) async fn operators_ask(&self, endpoint: &Endpoint) -> Vec<u16> {
        let mut path = endpoint.path.replace("{slug}", "not-signed-in");
        for name in ["user", "key", "session", "organisation", "device", "id"] {
            path = path.replace(&format!("{{{name}}}"), "none");
        }
        let token = self.place.app.admin_token();
        let shown = [
            ("X-Nothing", "nothing".to_owned()),
            ("Authorization", format!("Bearer {}x", &token[..token.len() - 1])),
            self.shown[Caller::Admin as usize].clone(),
            self.shown[Caller::Scoped as usize].clone(),
            self.shown[Caller::Device as usize].clone(),
            ("X-Admin-Key", ADMIN_KEY.to_owned()),
            ("Authorization", format!("Bearer {token}")),
        ];
        let mut statuses = Vec::new();
        for (name, value) in shown {
            let request = Request::new(endpoint.method, &path).header(name, value);
            let request = if endpoint.method == "POST" { request.json(&json!({})) } else { request };
            statuses.push(self.place.app.admin_client().request(request).await.status);
        }
        statuses
    }
}
