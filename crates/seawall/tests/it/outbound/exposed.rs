//! Routes that people outside call: on the public listener, as themselves, within amounts of their own.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use seawall_testkit::{
    client::{H2Client, RawClient, RawResponse, Request},
    llm::FakeLlm,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    cli::binary,
    identity::{CONFIGURATION, Place},
};

const CHAT: &str = "/_seawall/llm/chat/v1/chat/completions";

/// A route that is exposed, one that is not, and what has to stand before the first.
fn config(fake: &FakeLlm, route: &str, rest: &str) -> String {
    let people = CONFIGURATION
        .replace("enabled = true", "enabled = true\nscopes = [\"orders:read\", \"llm\", \"llm:chat\", \"llm:inner\"]");
    format!(
        "{people}\n[llm.provider.inside]\nurl = \"{}\"\nkey = \"sk-of-the-provider\"\nattempts = 1\n\
         [llm.model.small]\nprovider = \"inside\"\nname = \"fake-tokens-10\"\ninput_price = \"0\"\noutput_price = \"1\"\n\
         [llm.route.inner]\nmodels = [\"small\"]\n\
         [llm.route.chat]\nexpose = true\nmodels = [\"small\"]\nmax_output_tokens = 1000\n{route}\n\
         [llm.budget.each]\namount = \"0.0035\"\nof = \"user\"\n{rest}",
        fake.url()
    )
}

async fn exposing(route: &str, rest: &str) -> (FakeLlm, Place) {
    let fake = FakeLlm::start().await;
    let place = Place::with(&config(&fake, route, rest)).await;
    (fake, place)
}

/// Somebody who signed in: her id, and her cookie.
async fn somebody(place: &Place, name: &str) -> (String, String) {
    (place.add(name, &[]).await, place.sign_in(name).await)
}

fn question(text: &str) -> Value {
    json!({"model": "any", "messages": [{"role": "user", "content": text}]})
}

fn call(cookie: &str) -> Request {
    Request::post(CHAT).header("Cookie", cookie).json(&question("hi"))
}

async fn ask(place: &Place, request: Request) -> RawResponse {
    place.app.client().request(request).await
}

/// Waits until so many calls have a row that says that they were left: it is written after the provider's connection is closed.
async fn until_left(place: &Place, calls: usize) {
    let wait = async {
        loop {
            let rows = place.app.llm_calls().await;
            if rows.iter().filter(|row| row["outcome"] == "left").count() == calls {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), wait).await.expect("rows of calls that were left");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_in_calls_what_is_exposed_and_nobody_else_calls_anything() {
    let (fake, place) = exposing("", "").await;
    let nobody = Request::post(CHAT).json(&question("hi"));
    ask(&place, nobody.clone()).await.expect_problem(401, "not-signed-in");
    ask(&place, nobody.header("X-Seawall-User", "usr_forged")).await.expect_problem(401, "not-signed-in");
    let (ann, cookie) = somebody(&place, "ann").await;
    let forged = call(&cookie)
        .header("X-Seawall-User", "usr_forged")
        .header("X-Seawall-Token", "a.b.c")
        .header("X-Seawall-Key", "forged")
        .header("X-Seawall-Project", "report")
        .header("OpenAI-Organization", "org");
    let answer = ask(&place, forged).await.expect_status(200);
    assert!(answer.json()["choices"][0]["message"]["content"].is_string());
    for hidden in ["x-seawall-provider", "x-seawall-attempts", "x-seawall-model", "x-seawall-cache"] {
        assert_eq!(answer.header(hidden), None, "{hidden}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let asked = fake.calls().pop().unwrap();
    assert_eq!(asked.header("authorization"), Some("Bearer sk-of-the-provider"));
    for kept in ["cookie", "openai-organization", "x-seawall-user", "x-seawall-project"] {
        assert_eq!(asked.header(kept), None, "{kept}");
    }
    let row = place.app.llm_calls().await.pop().unwrap();
    assert_eq!((&row["user"], &row["caller"]), (&json!(ann), &json!("public")));
    assert_eq!(row["project"], format!("{ann}/report"), "no user's project is another's, nor the application's");
    assert_eq!(row["request_id"].as_str(), answer.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_exposed_is_not_there() {
    let (fake, place) = exposing("", "").await;
    let (_, cookie) = somebody(&place, "ann").await;
    for path in [
        "/_seawall/llm/inner/v1/chat/completions",
        "/_seawall/llm/v1/chat/completions",
        "/_seawall/llm/none/v1/chat/completions",
        "/_seawall/llm/chat/v1/messages/count_tokens",
        "/_seawall/llm/chat/v1/models",
        "/_seawall/llm/chat/v1/files",
        "/_seawall/llm/CHAT/v1/chat/completions",
        "/_seawall/llm/chat//v1/chat/completions",
        "/_seawall/llm/usage?project=x",
        "/_seawall/out/any/x",
    ] {
        ask(&place, call(&cookie).with_target(path)).await.expect_problem(404, "not-found");
    }
    place.get("/_seawall/llm/chat/v1/models", &cookie).await.expect_problem(404, "not-found");
    assert!(fake.calls().is_empty(), "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_spend_nothing_and_those_that_are_granted_do() {
    let (fake, place) =
        exposing("", "[cors]\norigins = [\"https://app.example\"]\ncredentials = true\n[csrf]\nmode = \"off\"\n").await;
    let (_, cookie) = somebody(&place, "ann").await;
    for (field, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"), ("Origin", "null")] {
        ask(&place, call(&cookie).header(field, value)).await.expect_problem(403, "cross-site-refused");
    }
    let form = Request::post(CHAT).header("Cookie", &*cookie).header("Content-Type", "text/plain");
    ask(&place, form.body(question("hi").to_string())).await.expect_problem(415, "content-type-refused");
    assert!(fake.calls().is_empty(), "nobody was asked");
    let granted = call(&cookie).header("Sec-Fetch-Site", "cross-site").header("Origin", "https://app.example");
    let answer = ask(&place, granted).await.expect_status(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    let asks_first = Request::new("OPTIONS", CHAT)
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST");
    let answer = ask(&place, asks_first).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_spends_an_amount_of_her_own() {
    let (fake, place) = exposing("", "").await;
    fake.become_model("fake-tokens-1000");
    let [(_, ann), (_, bob)] = [somebody(&place, "ann").await, somebody(&place, "bob").await];
    for _ in 0..3 {
        ask(&place, call(&ann)).await.expect_status(200);
    }
    let spent = ask(&place, call(&ann)).await.expect_status(402);
    assert_eq!(spent.json()["error"]["type"], "insufficient_quota");
    assert!(!spent.text().contains("each") && !spent.text().contains("0.0035"), "{}", spent.text());
    assert!(spent.header("retry-after").is_some());
    ask(&place, call(&bob)).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_share_neither_answers_nor_conversations() {
    let (fake, place) = exposing("rounds = 1", "[llm.cache]\nenabled = true\n").await;
    let [(_, ann), (_, bob)] = [somebody(&place, "ann").await, somebody(&place, "bob").await];
    let in_conversation = |cookie: &str| call(cookie).header("X-Seawall-Conversation", "c");
    for cookie in [&ann, &bob] {
        let answer = ask(&place, in_conversation(cookie)).await.expect_status(200);
        assert_eq!((answer.header("x-seawall-round"), answer.header("x-seawall-rounds-left")), (Some("1"), Some("0")));
        let over = ask(&place, in_conversation(cookie)).await.expect_status(200);
        assert_eq!(over.header("x-seawall-rounds-over"), Some("true"));
    }
    assert_eq!(fake.calls().len(), 2);
    let kept = call(&ann).header("X-Seawall-Conversation", "another");
    ask(&place, kept).await.expect_status(200);
    assert_eq!(fake.calls().len(), 2, "what is kept of her own answers her");
    ask(&place, call(&ann)).await.expect_status(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_arrives_while_it_is_made_over_both_versions_of_http() {
    let (fake, place) = exposing("", "").await;
    let (_, cookie) = somebody(&place, "ann").await;
    let mut streamed = question("hi");
    streamed["stream"] = true.into();
    fake.become_model("fake-drip-20-tokens-20");
    let mut client = RawClient::connect(place.app.public()).await;
    let request = Request::post(CHAT).header("Cookie", &*cookie).header("Host", "a").json(&streamed);
    client.write(request.encode("a")).await;
    let head = client.read_head("POST").await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    let pieces = client.read_body_streaming().await;
    assert!(pieces.len() > 5, "it came in {} pieces", pieces.len());
    let client = H2Client::connect(place.app.public()).await;
    let request = http::Request::post(CHAT).header("cookie", &*cookie).header("content-type", "application/json");
    let answer = client.open(request.body(Full::new(Bytes::from(streamed.to_string()))).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let (mut body, mut text, mut frames) = (answer.into_body(), Vec::new(), 0);
    while let Some(frame) = timeout(Duration::from_secs(10), body.frame()).await.unwrap() {
        text.extend_from_slice(frame.unwrap().data_ref().unwrap());
        frames += 1;
    }
    assert!(frames > 5 && String::from_utf8_lossy(&text).contains("data: [DONE]"), "{frames}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_leaves_the_provider_too() {
    let (fake, place) = exposing("", "").await;
    let (_, cookie) = somebody(&place, "ann").await;
    let mut body = question("hi");
    body["stream"] = true.into();
    for model in ["fake-hang", "fake-drip-50-tokens-1000"] {
        fake.become_model(model);
        let mut client = RawClient::connect(place.app.public()).await;
        let before = fake.calls().len();
        client.write(Request::post(CHAT).header("Cookie", &*cookie).json(&body).encode("a")).await;
        fake.until(|calls| calls.len() > before).await;
        if model != "fake-hang" {
            let mut came = Vec::new();
            while !String::from_utf8_lossy(&came).contains("data: ") {
                came.extend_from_slice(&client.read_some().await);
            }
        }
        drop(client);
        fake.until(|_| fake.open_connections() == 0).await;
    }
    place.app.until_metric("http_server_active_requests", &[], 0.0).await;
    until_left(&place, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_time_of_the_whole_exchange() {
    let (fake, place) = exposing("", "[deadline]\ntotal = \"1s\"\n").await;
    let (_, cookie) = somebody(&place, "ann").await;
    fake.become_model("fake-drip-50-tokens-1000");
    let mut body = question("hi");
    body["stream"] = true.into();
    let mut client = RawClient::connect(place.app.public()).await;
    client.write(Request::post(CHAT).header("Cookie", &*cookie).json(&body).encode("a")).await;
    assert_eq!(client.read_head("POST").await.status, 200);
    assert!(client.ends_within(Duration::from_secs(10)).await);
    fake.until(|_| fake.open_connections() == 0).await;
    until_left(&place, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_of_its_account_stays_inside() {
    let (fake, place) = exposing("", "").await;
    let (_, cookie) = somebody(&place, "ann").await;
    for (wrong, status) in [("fake-400", 400), ("fake-401", 502), ("fake-429", 503), ("fake-500", 502)] {
        fake.script(&[wrong]);
        let answer = ask(&place, call(&cookie)).await.expect_status(status);
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text());
        assert!(!answer.text().contains("inside") && !answer.text().contains(wrong), "{}", answer.text());
    }
    let mut reaching = question("hi");
    reaching["tools"] = json!([{"type": "web_search"}]);
    let before = fake.calls().len();
    let refused = ask(&place, Request::post(CHAT).header("Cookie", &*cookie).json(&reaching)).await.expect_status(400);
    assert!(refused.text().contains("tools"), "{}", refused.text());
    let mut long = question("hi");
    long["max_tokens"] = 100_000.into();
    ask(&place, Request::post(CHAT).header("Cookie", &*cookie).json(&long)).await.expect_status(200);
    let asked = fake.calls();
    assert_eq!(asked.len(), before + 1);
    assert_eq!(asked[before].json()["max_tokens"], 1_000);
    let outcomes: Vec<_> = place.app.llm_calls().await.iter().map(|row| row["outcome"].clone()).collect();
    assert!(!outcomes.contains(&json!("left")), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_calls_for_its_owner_within_its_scopes() {
    let (_fake, place) = exposing("", "").await;
    let (ann, _) = somebody(&place, "ann").await;
    for (scope, status) in [("llm", 200), ("llm:chat", 200), ("llm:inner", 403), ("orders:read", 403)] {
        let asked = json!({ "label": scope, "scopes": [scope] });
        let made = place.operator("POST", "/api/users/ann/keys", Some(asked)).await.expect_status(201).json();
        let request = Request::post(CHAT).header("Authorization", format!("Bearer {}", made["key"].as_str().unwrap()));
        let answer = ask(&place, request.json(&question("hi"))).await;
        if status == 403 {
            answer.expect_problem(403, "outbound-key-limited");
            continue;
        }
        answer.expect_status(200);
        let rows = place.app.llm_calls().await;
        let row = rows.iter().find(|row| row["caller"] == made["id"]).expect("a row of the key");
        assert_eq!(row["user"], ann);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn larger_bodies_are_taken_than_by_other_paths_of_ours_and_no_larger_than_is_configured() {
    let (_fake, place) = exposing("", "[body]\nmax = \"100 KB\"\n").await;
    let (_, cookie) = somebody(&place, "ann").await;
    let of = |length| Request::post(CHAT).header("Cookie", &*cookie).json(&question(&"a".repeat(length)));
    ask(&place, of(60_000)).await.expect_status(200);
    ask(&place, of(120_000)).await.expect_problem(413, "request-too-large");
    let parts: Vec<Vec<u8>> =
        question(&"a".repeat(120_000)).to_string().into_bytes().chunks(7_000).map(Into::into).collect();
    let chunked = Request::post(CHAT).header("Cookie", &*cookie).header("Content-Type", "application/json");
    ask(&place, chunked.chunked(parts)).await.expect_problem(413, "request-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_stand_before_an_exposed_route_is_asked_for() {
    let (fake, place) = exposing("", "").await;
    let whole = config(&fake, "", "");
    for (there, instead, said) in [
        ("of = \"user\"", "of = \"all\"", "nothing says how much each of them may spend"),
        ("max_output_tokens = 1000", "", "answers of any length"),
        ("expose = true\nmodels = [\"small\"]", "expose = true", "any model"),
    ] {
        place.app.write_config(&whole.replace(there, instead));
        let refused = place.app.reload().await.unwrap_err().text();
        assert!(refused.contains(said) && refused.contains("help: "), "{refused}");
    }
    // What a reload leaves as it is, a start refuses, and so does who looks before.
    let nobody = whole.replace("enabled = true\n", "enabled = false\n");
    let refused = binary::Place::with_config(&nobody).seawall(&["check"]).refused(64);
    assert!(refused.contains("nobody can sign in") && refused.contains("[llm.route.chat]"), "{refused}");
    let (_, cookie) = somebody(&place, "ann").await;
    ask(&place, call(&cookie)).await.expect_status(200);
    place.app.reload_with(&whole.replace("expose = true\n", "")).await;
    ask(&place, call(&cookie)).await.expect_problem(404, "not-found");
    place.app.reload_with(&whole).await;
    ask(&place, call(&cookie)).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_document_has_the_paths_of_each_exposed_route() {
    let (_fake, place) = exposing("", "[openapi]\npublish = \"public\"\n").await;
    let document = place.app.client().get("/_seawall/openapi.json").await.expect_status(200).json();
    let operation = &document["paths"][CHAT]["post"];
    assert!(operation["responses"]["402"].is_object(), "{operation}");
    assert!(operation["responses"]["200"]["content"]["text/event-stream"].is_object(), "{operation}");
    assert!(document["paths"]["/_seawall/llm/inner/v1/chat/completions"].is_null());
}
