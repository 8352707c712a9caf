//! Everything that people, programs and operators do with identity, in one run over sockets: each kind of secret is given out, and each
//! event is written. What was given out is remembered, so that others can look for it.

mod accounts;
mod log;
mod looks;
mod operators;
mod passkeys;
mod programs;

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::clock::Clock;
use seawall_testkit::{
    MailServer, Manner, ManualClock, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use super::{
    Place,
    oidc::{Begun, Issuer},
};
use crate::postgres::Server;

pub(super) const ADMIN_KEY: &str = "the-operators-key-of-this-very-run";
pub(super) const CLIENT_SECRET: &str = "the issuers secret";

/// Where Seawall keeps what it keeps.
pub(super) enum Engine {
    Sqlite,
    Postgres(Server),
}

/// Something that nobody but whoever it was given to may know.
pub(super) struct Secret {
    pub(super) what: &'static str,
    pub(super) text: String,
}

/// What was asked of Seawall's own paths, and answered.
pub(super) struct Exchange {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) answer: RawResponse,
}

/// A Seawall in which everything happens.
pub(super) struct Everything {
    pub(super) place: Place,
    pub(super) engine: Engine,
    pub(super) secrets: Vec<Secret>,
    pub(super) exchanges: Mutex<Vec<Exchange>>,
    clock: Arc<ManualClock>,
    mail: MailServer,
    issuer: Issuer,
}

impl Everything {
    /// Does it all.
    pub(super) async fn done(engine: Engine) -> Self {
        let mut all = Self::start(engine).await;
        all.the_first_user().await;
        all.sessions_and_passwords().await;
        all.letters().await;
        all.second_factors().await;
        all.passkeys().await;
        all.accounts_elsewhere().await;
        all.tokens().await;
        all.keys().await;
        all.devices().await;
        all.sessions_of_the_application().await;
        all.organisations().await;
        all.imports().await;
        all.what_operators_change().await;
        all
    }

    async fn start(engine: Engine) -> Self {
        log::keep();
        let (mail, issuer) = (MailServer::start(Manner::Takes).await, Issuer::start().await);
        let store = match &engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres(server) => format!("[store]\nurl = \"{}\"\n", server.url()),
        };
        let configuration = format!(
            "[identity]\nenabled = true\nsign_in_limits = []\nurl = \"https://app.example\"\nregistration = \"open\"\n\
             signed = true\nscopes = [\"orders:read\"]\n[identity.tiers.pro]\nlimits = [\"1000/min per user\"]\n\
             [identity.oidc.one]\nissuer = \"{}\"\nclient_id = \"us\"\nclient_secret = \"{CLIENT_SECRET}\"\nregister = true\n\
             [mail]\nurl = \"{}\"\nfrom = \"App <no-reply@app.example>\"\n[admin]\nkey = \"{ADMIN_KEY}\"\n\
             [rate_limit]\nlimits = []\n{store}[route.\"/private/*\"]\naccess.require = \"user\"\n",
            issuer.url,
            mail.url()
        );
        let (upstream, clock) = (Upstream::start(Kind::ByPath).await, Arc::new(ManualClock::default()));
        let app = TestApp::in_front_of(upstream.url()).with_config(&configuration).with_clock(Arc::clone(&clock) as _);
        let place = Place { upstream, app: app.start().await };
        let mut all = Self { place, engine, secrets: Vec::new(), exchanges: Mutex::default(), clock, mail, issuer };
        for (what, text) in [("the operators' key", ADMIN_KEY), ("the secret of a client", CLIENT_SECRET)] {
            all.issued(what, text);
        }
        let token = all.place.app.admin_token();
        all.issued("the token of the admin interface", token);
        all.keys_of_the_installation();
        all
    }

    /// The keys that seal and sign are in files beside the store.
    fn keys_of_the_installation(&mut self) {
        for name in ["identity.key", "devices.key", "audit.key"] {
            let bytes = fs::read(self.place.app.data().join(name)).unwrap();
            let text = String::from_utf8(bytes).unwrap_or_else(|error| URL_SAFE_NO_PAD.encode(error.as_bytes()));
            let longest = text.split_whitespace().max_by_key(|word| word.len()).unwrap();
            assert!(longest.len() > 32, "{name} holds no key");
            self.issued("a key of the installation", longest);
        }
    }

    /// Remembers a secret.
    fn issued(&mut self, what: &'static str, text: impl Into<String>) -> String {
        let text = text.into();
        self.secrets.push(Secret { what, text: text.clone() });
        text
    }

    /// Remembers a secret of an answer.
    fn issued_in(&mut self, what: &'static str, answer: &Value, field: &str) -> String {
        let text = answer[field].as_str().unwrap_or_else(|| panic!("{field} of {answer}"));
        self.issued(what, text)
    }

    /// Remembers the cookies of an answer, and gives the one of the session.
    fn welcomed(&mut self, answer: &RawResponse) -> String {
        let mut session = String::new();
        for written in answer.headers_named("set-cookie") {
            let pair = written.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if name == "seawall" {
                pair.clone_into(&mut session);
            }
            if !value.is_empty() {
                self.issued(if name == "seawall" { "a session" } else { "a known device" }, value);
            }
        }
        assert!(!session.is_empty(), "no session is begun by {answer:?}");
        session
    }

    async fn post(&self, path: &str, cookie: &str, body: Value) -> RawResponse {
        self.ask("POST", path, cookie, Some(body)).await
    }

    async fn delete(&self, path: &str, cookie: &str) -> RawResponse {
        self.ask("DELETE", path, cookie, None).await
    }

    async fn ask(&self, method: &'static str, path: &str, cookie: &str, body: Option<Value>) -> RawResponse {
        let path = format!("/_seawall/auth/{path}");
        let answer = self.place.ask(method, &path, cookie, body.clone()).await;
        self.exchanges.lock().unwrap().push(Exchange { method, path, body, answer: answer.clone() });
        answer
    }

    /// What an operator does has to be done.
    async fn operator(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.place.operator(method, path, (!body.is_null()).then_some(body)).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.json()
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> String {
        let body = json!({ "name": name, "password": password });
        let answer = self.post("sign-in", "", body).await.expect_status(200);
        self.welcomed(&answer)
    }

    async fn bearer(&self, path: &str, token: &str) -> RawResponse {
        let request = Request::get(path).header("Authorization", format!("Bearer {token}"));
        self.place.app.client().request(request).await
    }

    /// The token of the next link in a letter to this page.
    async fn link(&mut self, page: &str) -> String {
        let wait = async {
            loop {
                let letters = self.mail.letters();
                let mut tokens = letters.iter().filter(|letter| letter.text().contains(page)).map(|one| one.link().1);
                if let Some(token) = tokens.find(|token| !self.secrets.iter().any(|known| known.text == *token)) {
                    return token;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let token = tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a letter comes");
        self.issued("a link in a letter", token)
    }

    /// The way back from an issuer, as someone there.
    async fn back_from_the_issuer(&mut self, way: Begun, subject: &str, cookie: &str) -> RawResponse {
        for name in ["state", "nonce"] {
            self.issued("what a way elsewhere is bound to", way.asked[name].clone());
        }
        self.issued("the cookie of a way elsewhere", way.cookie.split_once('=').unwrap().1);
        let mut claims = super::oidc::claims(&self.issuer, &self.clock, &way.asked["nonce"]);
        claims["sub"] = json!(subject);
        claims["email"] = json!(format!("{subject}@example.org"));
        let token = self.issuer.sign(&claims);
        self.issuer.gives(token.clone());
        self.issued("a token of an issuer", token);
        let both = format!("{}; {cookie}", way.cookie);
        let answer = super::oidc::back(&self.place, "one", &way.asked["state"], &both).await.expect_status(303);
        let verifier = self.issuer.shared().posted["code_verifier"].clone();
        self.issued("the verifier of a way elsewhere", verifier);
        answer
    }

    fn second(&self) -> i64 {
        i64::try_from(self.clock.now().unix_us / 1_000_000).unwrap()
    }

    /// What was logged: by the process, and of requests.
    pub(super) fn log(&self) -> String {
        log::text() + &self.place.app.log_text()
    }

    /// All of the audit log, as operators export it.
    pub(super) async fn audit_log(&self) -> Vec<Value> {
        let (mut entries, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.operator("GET", &format!("/api/audit-log?limit=1000{after}"), Value::Null).await;
            let data = page["data"].as_array().unwrap();
            if data.is_empty() {
                return entries;
            }
            entries.extend(data.iter().cloned());
            after = format!("&after={}", page["next"].as_str().unwrap());
        }
    }

    /// Waits until an event stands in the audit log.
    async fn until_audited(&self, action: &str) {
        let path = format!("/api/audit-log?action={action}");
        let wait = async {
            while self.operator("GET", &path, Value::Null).await["data"] == json!([]) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("no {action} is written"));
    }
}
