//! Calls of language models: in each dialect, whole and streamed, translated, within a budget, and given again.

use std::{net::SocketAddr, time::Duration};

use seawall_testkit::{
    client::{Client, Request},
    llm::FakeLlm,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Crowd;

/// How many make calls of each kind.
const OF_EACH: usize = 4;

const KEY: &str = "a key of the application, for traffic";

/// A provider of each dialect, which is this fake, and a budget that is never reached.
pub(crate) fn config(fake: &FakeLlm) -> String {
    let providers = ["openai", "anthropic", "gemini"].map(|kind| {
        let called = format!("[llm.model.{kind}-fake]\nprovider = \"{kind}\"\nname = \"fake\"\ninput_price = \"1\"\noutput_price = \"2\"\n");
        format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"any\"\n{called}", fake.url())
    });
    let outbound = format!("[outbound]\nlisten = \"127.0.0.1:0\"\nkey = \"{KEY}\"\n");
    let route = "[llm.route.kept]\nmodels = [\"openai-fake\", \"anthropic-fake\"]\nmax_output_tokens = 1000\n";
    let rest = "[llm.cache]\nenabled = true\n[llm.budget.daily]\namount = \"1000000\"\n";
    format!("{outbound}{}{route}{rest}", providers.concat())
}

/// Calls for so long; gives how many calls there were.
pub(crate) async fn make(address: SocketAddr, length: Duration) -> usize {
    let crowd = Crowd::new(length);
    let mut tasks = JoinSet::new();
    for number in 0..OF_EACH {
        for dialect in ["openai", "anthropic", "gemini"] {
            let client = Client::new(&format!("http://{address}")).keeping_connection();
            let client = client.with_header("authorization", format!("Bearer {KEY}"));
            tasks.spawn(caller(crowd.clone(), client, dialect, number));
        }
    }
    tasks.join_all().await;
    crowd.asked()
}

/// An application that asks in the words of one dialect: mostly something new of its own provider, sometimes of another or again.
async fn caller(crowd: Crowd, client: Client, dialect: &str, number: usize) {
    for asked in 1_usize.. {
        if !crowd.goes_on() {
            break;
        }
        let provider = match asked % 24 {
            0 => "openai",
            8 => "anthropic",
            16 => "gemini",
            _ => dialect,
        };
        let model = format!("{provider}-fake");
        let again = asked % 8 == 4;
        let text = if again { "Good morning".to_owned() } else { format!("Good morning {number} {asked}") };
        let answer = client.request(question(dialect, &model, &text, asked.is_multiple_of(3))).await;
        assert_eq!(answer.status, 200, "{dialect} to {model}: {answer:?}");
    }
}

fn question(dialect: &str, model: &str, text: &str, stream: bool) -> Request {
    let messages = json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": text }]);
    match dialect {
        "openai" => Request::post("/llm/v1/chat/completions")
            .json(&json!({ "model": model, "messages": messages, "temperature": 0, "stream": stream })),
        "anthropic" => Request::post("/llm/v1/messages").header("anthropic-version", "2023-06-01").json(&json!({
            "model": model, "max_tokens": 100, "system": "Be brief.", "stream": stream,
            "messages": [{ "role": "user", "content": text }],
        })),
        _ => {
            let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let contents = json!([{ "role": "user", "parts": [{ "text": text }] }]);
            Request::post(format!("/llm/v1beta/models/{model}:{action}"))
                .json(&json!({ "contents": contents, "systemInstruction": { "parts": [{ "text": "Be brief." }] } }))
        }
    }
}
