//! Keys of several programs, and what each may ask for.

use seawall_testkit::{
    app::StartedApp,
    client::{Client, Request},
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};
use serde_json::json;

use super::{
    in_front_of_nothing,
    routes::{ask, two_providers},
};

const REPORT: &str = "the key of the program that reports";

/// A client that shows this key.
fn showing(app: &StartedApp, key: &str) -> Client {
    Client::new(&format!("http://{}", app.outbound())).with_header("X-Seawall-Key", key)
}

fn plain(model: &str) -> Request {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    Request::post("/llm/v1/chat/completions").json(&body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_asks_for_what_its_key_lists_and_nothing_else() {
    let fake = FakeLlm::start().await;
    let api = Upstream::start(Kind::ByPath).await;
    let rest = format!(
        "[outbound.weather]\nurl = \"{0}\"\n[outbound.mail]\nurl = \"{0}\"\n\
         [llm.model.small]\nprovider = \"one\"\nname = \"fake\"\n\
         [llm.route.refine]\nmodels = [\"two/fake-tokens-3\"]\n[llm.route.draw]\nmodels = [\"two/fake\", \"small\"]\n\
         [outbound.caller.report]\nkey = \"{REPORT}\"\nmodels = [\"small\", \"one/fake-tok*\"]\nroutes = [\"ref*\"]\nservices = [\"weather\"]\n",
        api.url()
    );
    let app = in_front_of_nothing(&format!("{}{rest}", two_providers(&fake, ""))).await;
    let (report, whole) = (showing(&app, REPORT), app.outbound_client());
    for model in ["small", "one/fake-tokens-3"] {
        report.request(plain(model)).await.expect_status(200);
    }
    report.request(ask("refine", "any")).await.expect_status(200);
    // Of a route's models it asks those that it may.
    let drawn = report.request(ask("draw", "any")).await.expect_status(200);
    assert_eq!(drawn.header("x-seawall-provider"), Some("one"));
    report.get("/out/weather/echo").await.expect_status(200);
    let before = (fake.calls().len(), api.requests().len());
    for model in ["two/fake", "one/fake", "two/fake-tokens-3"] {
        let refused = report.request(plain(model)).await;
        // `one/fake` is the model that `small` stands for, but at another price: only the name is listed.
        assert_eq!(refused.status, 403, "{model}: {}", refused.text());
        assert!(refused.text().contains("report") && !refused.text().contains(REPORT), "{}", refused.text());
        assert_eq!(refused.header("x-should-retry"), Some("false"));
    }
    report.get("/out/mail/echo").await.expect_problem(403, "outbound-key-limited");
    assert_eq!((fake.calls().len(), api.requests().len()), before, "nobody was asked");
    for (model, path) in [("two/fake", "/out/mail/echo"), ("one/fake", "/out/weather/echo")] {
        whole.request(plain(model)).await.expect_status(200);
        whole.get(path).await.expect_status(200);
    }
    let callers: Vec<_> = app.llm_calls().await.iter().map(|row| row["caller"].clone()).collect();
    assert_eq!(callers, ["application", "application", "report", "report", "report", "report"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_model_is_told_in_the_words_of_its_dialect() {
    let fake = FakeLlm::start().await;
    let provider =
        |kind: &str| format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"k\"\n", fake.url());
    let caller = format!("[outbound.caller.report]\nkey = \"{REPORT}\"\nmodels = [\"none\"]\n");
    let providers = ["openai", "anthropic", "gemini"].map(provider).concat();
    let app = in_front_of_nothing(&format!("{providers}{caller}")).await;
    for (path, body, at, word) in [
        ("/llm/v1/chat/completions", json!({"model": "fake", "messages": []}), "/error/type", "invalid_request_error"),
        (
            "/llm/v1/messages",
            json!({"model": "fake", "max_tokens": 1, "messages": []}),
            "/error/type",
            "permission_error",
        ),
        ("/llm/v1beta/models/fake:generateContent", json!({"contents": []}), "/error/status", "PERMISSION_DENIED"),
    ] {
        let refused = showing(&app, REPORT).request(Request::post(path).json(&body)).await.expect_status(403);
        assert_eq!(refused.json().pointer(at), Some(&json!(word)), "{path}: {}", refused.text());
    }
    // Lists of models are for all who may ask one.
    showing(&app, REPORT).get("/llm/v1/models").await.expect_status(200);
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_program_has_a_budget_of_its_own_and_a_reload_takes_its_key_away() {
    let fake = FakeLlm::start().await;
    let config = |callers: &str| {
        format!(
            "environment = \"development\"\n[upstream]\nurl = \"http://127.0.0.1:9\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\n\
             [llm.model.m]\nprovider = \"fake\"\nname = \"fake-tokens-1000\"\ninput_price = \"0\"\noutput_price = \"1\"\n\
             [llm.budget.each]\namount = \"0.001\"\nof = \"caller\"\n{callers}",
            fake.url()
        )
    };
    let caller = |name: &str, key: &str| format!("[outbound.caller.{name}]\nkey = \"{key}\"\nmodels = [\"*\"]\n");
    let (one, other) = ("the key of the first program", "the key of the other program");
    let app = in_front_of_nothing(&config("").lines().skip(3).collect::<Vec<_>>().join("\n")).await;
    showing(&app, one).request(plain("m")).await.expect_status(401);
    app.reload_with(&config(&format!("{}{}", caller("one", one), caller("other", other)))).await;
    let call = json!({"model": "m", "max_tokens": 1_000, "messages": [{"role": "user", "content": "hi"}]});
    let call = || Request::post("/llm/v1/chat/completions").json(&call);
    for key in [one, other] {
        showing(&app, key).request(call()).await.expect_status(200);
        showing(&app, key).request(call()).await.expect_status(402);
    }
    app.outbound_client().request(call()).await.expect_status(200);
    app.reload_with(&config(&caller("other", other))).await;
    showing(&app, one).request(call()).await.expect_status(401);
    showing(&app, other).request(call()).await.expect_status(402);
    app.write_config(&config(&format!("{}{}", caller("one", one), caller("other", one))));
    let refused = format!("{:?}", app.reload().await.unwrap_err());
    assert!(refused.contains("same key") && !refused.contains(one), "{refused}");
}
