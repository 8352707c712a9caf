//! API keys of people on the outbound listener: a program calls as its owner, for what its scopes name.

use seawall_testkit::{
    TestApp,
    client::{Client, RawResponse, Request},
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

use crate::identity::{CONFIGURATION, Place};

const CHAT: &str = "/llm/chat/v1/chat/completions";

/// Models and a service, and people whose keys may have these scopes.
async fn place(fake: &FakeLlm) -> Place {
    let upstream = Upstream::start(Kind::ByPath).await;
    let scopes = "enabled = true\nscopes = [\"orders:read\", \"llm\", \"llm:chat\", \"out:api\"]";
    let people = CONFIGURATION.replace("enabled = true", scopes);
    let config = format!(
        "{people}\n[outbound.api]\nurl = \"{}\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n[llm.route.chat]\nmodels = [\"fake/fake\"]\n",
        upstream.url(),
        fake.url()
    );
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    Place { upstream, app }
}

async fn key(place: &Place, more: Value) -> Value {
    let mut asked = json!({ "label": "nightly" });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    place.operator("POST", "/api/users/ann/keys", Some(asked)).await.expect_status(201).json()
}

async fn call(place: &Place, key: &Value, path: &str) -> RawResponse {
    let client = Client::new(&format!("http://{}", place.app.outbound()));
    let request = if path.starts_with("/out/") {
        Request::get(path)
    } else {
        Request::post(path).json(&json!({"model": "fake", "messages": [{"role": "user", "content": "hi"}]}))
    };
    client.request(request.header("Authorization", format!("Bearer {}", key["key"].as_str().unwrap()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_calls_as_its_owner_for_what_its_scopes_name() {
    let fake = FakeLlm::start().await;
    let place = place(&fake).await;
    let ann = place.add("ann", &[]).await;
    const ALL: [&str; 3] = [CHAT, "/llm/v1/chat/completions", "/out/api/echo"];
    for (scope, opens) in [
        ("llm", [200, 200, 403]),
        ("llm:chat", [200, 403, 403]),
        ("out:api", [403, 403, 200]),
        ("orders:read", [403, 403, 403]),
    ] {
        let made = key(&place, json!({ "scopes": [scope] })).await;
        for (path, status) in ALL.into_iter().zip(opens) {
            let answer = call(&place, &made, path).await;
            assert_eq!(answer.status, status, "{scope} {path}: {}", answer.text());
        }
        if scope == "llm" {
            let rows = place.app.llm_calls().await;
            assert!(rows.iter().all(|row| row["user"] == ann && row["caller"] == made["id"]), "{rows:?}");
        }
    }
    assert_eq!(place.upstream.requests().pop().unwrap().header("authorization"), None, "it stays here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_as_it_does_on_the_public_listener() {
    let fake = FakeLlm::start().await;
    let place = place(&fake).await;
    place.add("ann", &[]).await;
    let elsewhere = key(&place, json!({ "scopes": ["llm"], "networks": ["192.0.2.0/24"] })).await;
    call(&place, &elsewhere, CHAT).await.expect_status(401);
    let seldom = key(&place, json!({ "scopes": ["llm"], "rate": "2/min" })).await;
    for _ in 0..2 {
        call(&place, &seldom, CHAT).await.expect_status(200);
    }
    let refused = call(&place, &seldom, CHAT).await.expect_status(429);
    assert!(refused.header("retry-after").is_some());
    let seen = Request::get("/echo").header("X-API-Key", seldom["key"].as_str().unwrap());
    place.app.client().request(seen).await.expect_status(429);
    let revoked = key(&place, json!({ "scopes": ["llm"] })).await;
    call(&place, &revoked, CHAT).await.expect_status(200);
    let path = format!("/api/keys/{}/revoke", revoked["id"].as_str().unwrap());
    place.operator("POST", &path, None).await.expect_status(200);
    call(&place, &revoked, CHAT).await.expect_status(401);
    for forged in ["sw_test_x", "sw_"] {
        call(&place, &json!({ "key": forged }), CHAT).await.expect_status(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_speaks_for_nobody_but_its_owner() {
    let fake = FakeLlm::start().await;
    let place = place(&fake).await;
    place.add("ann", &[]).await;
    let made = key(&place, json!({ "scopes": ["llm"] })).await;
    let client = Client::new(&format!("http://{}", place.app.outbound()));
    let request = Request::post(CHAT).json(&json!({"model": "fake", "messages": []}));
    let request = request.header("X-Seawall-Key", made["key"].as_str().unwrap()).header("X-Seawall-Token", "a.b.c");
    client.request(request).await.expect_status(401);
    assert!(fake.calls().is_empty(), "nobody was asked");
}
