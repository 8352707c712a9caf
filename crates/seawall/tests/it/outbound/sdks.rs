//! The libraries of OpenAI, Anthropic and Google for Python and JavaScript, which `./test` installs, with nothing changed but the base URL
//! and the key. Scripts in `tests/fixtures/sdks` hold the checks; what the provider and the ledger saw of them is looked at here.

use std::{
    fmt::Write,
    process::{Command, Output},
};

use seawall_testkit::{
    app::StartedApp,
    client::Request,
    llm::{Call, Ending, FakeLlm},
};
use serde::Deserialize;

use super::{Models, answers::CACHE, calling_models_by, streamed};
use crate::applications::tools::{fixture, installed, program, skip};

/// Silence is told after a second, long before the whole call's time is over.
const SETTINGS: &str = "timeout = \"6s\"\nidle_timeout = \"1s\"\nbackoff = \"1ms\"";

/// The longest that one script may take, in seconds.
const LIMIT_S: &str = "90";

/// Where `./test` puts the libraries: current ones, the Python ones before, which send other fields to other paths, and JavaScript's.
const PYTHON: &str = "sdks-python";
const EARLIER_PYTHON: &str = "sdks-python-earlier";
const NODE: &str = "sdks-node";

/// The model of which the scripts read one token of a thousand.
const LEFT: &str = "fake-drip-50-tokens-1000";

/// How often the provider is asked for what each check asks once, whatever the library itself would try again.
const ATTEMPTS: [(&str, usize); 9] = [
    ("wrong-key-fake", 0),
    ("fake-400", 1),
    ("fake-unheard-of", 1),
    ("fake-429", 3),
    ("fake-429-once", 2),
    ("fake-hang", 1),
    ("fake-stall", 1),
    ("fake-cut", 1),
    (LEFT, 1),
];

/// What every library is asked for.
const COMMON: [&str; 18] = [
    "chat",
    "stream",
    "stream_usage",
    "tools",
    "tool_stream",
    "image_in",
    "structured",
    "models",
    "rounds_over",
    "error_wrong_key",
    "error_400",
    "error_404",
    "error_429",
    "error_429_once",
    "stream_error_frame",
    "stream_cut",
    "stream_stall",
    "timeout_504",
];

const OF_OPENAI: [&str; 9] = [
    "image_generation",
    "embeddings",
    "responses",
    "responses_stream",
    "responses_tools",
    "responses_tool_stream",
    "responses_structured",
    "responses_stream_cut",
    "close_early",
];
const OF_ANTHROPIC: [&str; 2] = ["count_tokens", "close_early"];
const OF_GEMINI: [&str; 3] = ["count_tokens", "embeddings", "close_early"];

/// What this script checks of a provider that speaks another dialect, beside what all check.
fn elsewhere(script: &str, provider: &str) -> Vec<&'static str> {
    let mut checks = vec!["close_early"];
    if script.starts_with("sdk_openai") {
        checks.extend(OF_OPENAI.iter().filter(|check| check.starts_with("responses")));
    }
    match (script.split('.').next(), provider) {
        (Some("sdk_openai"), "gemini") | (Some("sdk_genai"), "openai") => checks.push("embeddings"),
        (Some("sdk_anthropic"), "gemini") | (Some("sdk_genai"), "anthropic") => checks.push("count_tokens"),
        _ => {}
    }
    checks
}

/// Of whose conversations the second call finds no round left.
const ROUTES: &str = "[llm.route.once]\nrounds = 1\n";

/// Names that the scripts use of models.
const NAMES: [&str; 12] = [
    "fake",
    "fake-400",
    "fake-unheard-of",
    "fake-429",
    "fake-429-once",
    "fake-error-frame",
    "fake-cut",
    "fake-stall",
    "fake-hang",
    LEFT,
    // Nobody is asked for it.
    "wrong-key-fake",
    "responses-fake-cut",
];

/// A check as a script tells of it.
#[derive(Debug, Deserialize)]
struct Check {
    check: String,
    ok: bool,
    took_ms: u64,
    why: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_openais_library_for_python_works_with_only_its_base_url_changed() {
    works(PYTHON, "sdk_openai.py", &OF_OPENAI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_openais_library_for_javascript_works_with_only_its_base_url_changed() {
    works(NODE, "sdk_openai.mjs", &OF_OPENAI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_anthropics_library_for_python_works_with_only_its_base_url_changed() {
    works(PYTHON, "sdk_anthropic.py", &OF_ANTHROPIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_anthropics_library_for_javascript_works_with_only_its_base_url_changed() {
    works(NODE, "sdk_anthropic.mjs", &OF_ANTHROPIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_googles_library_for_python_works_with_only_its_base_url_changed() {
    works(PYTHON, "sdk_genai.py", &OF_GEMINI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_googles_library_for_javascript_works_with_only_its_base_url_changed() {
    works(NODE, "sdk_genai.mjs", &OF_GEMINI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_earlier_libraries_for_python_work_too() {
    works(EARLIER_PYTHON, "sdk_openai.py", &OF_OPENAI).await;
    works(EARLIER_PYTHON, "sdk_anthropic.py", &OF_ANTHROPIC).await;
    works(EARLIER_PYTHON, "sdk_genai.py", &OF_GEMINI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_openais_library_for_python_works_with_models_of_other_dialects() {
    works_elsewhere(PYTHON, "sdk_openai.py", ["anthropic", "gemini"]).await;
    works_elsewhere(EARLIER_PYTHON, "sdk_openai.py", ["anthropic", "gemini"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_openais_library_for_javascript_works_with_models_of_other_dialects() {
    works_elsewhere(NODE, "sdk_openai.mjs", ["anthropic", "gemini"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_anthropics_library_for_python_works_with_models_of_other_dialects() {
    works_elsewhere(PYTHON, "sdk_anthropic.py", ["openai", "gemini"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_anthropics_library_for_javascript_works_with_models_of_other_dialects() {
    works_elsewhere(NODE, "sdk_anthropic.mjs", ["openai", "gemini"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_googles_library_for_python_works_with_models_of_other_dialects() {
    works_elsewhere(PYTHON, "sdk_genai.py", ["openai", "anthropic"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_googles_library_for_javascript_works_with_models_of_other_dialects() {
    works_elsewhere(NODE, "sdk_genai.mjs", ["openai", "anthropic"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_openais_libraries_get_responses_of_servers_with_chat_completions_alone() {
    let settings = format!("{SETTINGS}\nresponses = false");
    works_by(PYTHON, "sdk_openai.py", &OF_OPENAI, &settings).await;
    works_by(NODE, "sdk_openai.mjs", &OF_OPENAI, &settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_libraries_read_answers_that_are_kept_in_either_form() {
    reads_kept(PYTHON, "sdk_openai.py", &OF_OPENAI).await;
    reads_kept(NODE, "sdk_openai.mjs", &OF_OPENAI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropics_libraries_read_answers_that_are_kept_in_either_form() {
    reads_kept(PYTHON, "sdk_anthropic.py", &OF_ANTHROPIC).await;
    reads_kept(NODE, "sdk_anthropic.mjs", &OF_ANTHROPIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_libraries_read_answers_that_are_kept_in_either_form() {
    reads_kept(PYTHON, "sdk_genai.py", &OF_GEMINI).await;
    reads_kept(NODE, "sdk_genai.mjs", &OF_GEMINI).await;
}

/// Runs a script where answers are kept: streams of it are then made from answers before them. Then again where each answer was a stream.
async fn reads_kept(libraries: &str, script: &'static str, more: &[&str]) {
    if runner(libraries, script).is_none() {
        return skip("the providers' libraries are not installed");
    }
    let command = || runner(libraries, script).expect("it was looked for");
    let Models { fake, app } = calling_models_by(SETTINGS, &format!("{ROUTES}{CACHE}")).await;
    holds(&app, command(), script, more).await;
    assert!(app.metric("seawall_llm_cache", &["hit"]) >= 3.0, "{script}");
    let wholes = fake.calls().into_iter().filter(|call| call.method == "POST" && call.status == Some(200));
    let Models { fake: _fake, app } = calling_models_by(SETTINGS, &format!("{ROUTES}{CACHE}")).await;
    let kinds = ["/chat/completions", "/responses", "/messages", ":generateContent"];
    let mut asked = 0;
    for call in
        wholes.filter(|call| kinds.iter().any(|kind| call.path.ends_with(kind)) && !call.json()["stream"].is_boolean())
    {
        let (path, body) = streamed(&call.path, std::str::from_utf8(&call.body).unwrap());
        let told = call.headers.into_iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str()));
        let request =
            told.fold(Request::post(format!("/llm{path}")), |request, (name, value)| request.header(name, value));
        let answer = app.outbound_client().request(request.body(body)).await.expect_status(200);
        assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"), "{script}: {path}");
        asked += 1;
    }
    let before = app.metric("seawall_llm_cache", &["hit"]);
    holds(&app, command(), script, more).await;
    let hits = app.metric("seawall_llm_cache", &["hit"]) - before;
    assert!(asked >= 3 && hits >= f64::from(asked), "{script}: {hits} of {asked}");
}

/// What a request of a test has by itself, or must not show.
const HIDDEN: [&str; 6] = ["host", "content-length", "authorization", "x-api-key", "x-goog-api-key", "connection"];

/// Runs a script against Seawall in front of the fake: it does the checks that all do, and these.
async fn works(libraries: &str, script: &'static str, more: &[&str]) {
    works_by(libraries, script, more, SETTINGS).await;
}

/// The same, with these settings of each provider.
async fn works_by(libraries: &str, script: &'static str, more: &[&str], settings: &str) {
    let Some(command) = runner(libraries, script) else {
        return skip("the providers' libraries are not installed");
    };
    let Models { fake, app } = calling_models_by(settings, ROUTES).await;
    let key = holds(&app, command, script, more).await;
    reaches(&fake, &app, &key, script).await;
}

/// The same, where every model is one of a provider that speaks another dialect.
async fn works_elsewhere(libraries: &str, script: &'static str, providers: [&str; 2]) {
    for provider in providers {
        let Some(mut command) = runner(libraries, script) else {
            return skip("the providers' libraries are not installed");
        };
        let more = elsewhere(script, provider);
        command.env("SEAWALL_CHECKS", COMMON.iter().chain(&more).copied().collect::<Vec<_>>().join(","));
        let named = NAMES.map(|name| format!("[llm.model.{name}]\nprovider = \"{provider}\"\n")).concat();
        let Models { fake, app } = calling_models_by(SETTINGS, &format!("{ROUTES}{named}")).await;
        let key = holds(&app, command, script, &more).await;
        reaches(&fake, &app, &key, script).await;
    }
}

/// What the provider saw of a script, and what is recorded of it.
async fn reaches(fake: &FakeLlm, app: &StartedApp, key: &str, script: &'static str) {
    let left = |call: &&Call| model(call) == LEFT;
    let calls = fake.until(|calls| calls.iter().filter(left).all(|call| call.ending == Ending::Left)).await;
    for (name, times) in ATTEMPTS {
        assert_eq!(calls.iter().filter(|call| model(call) == name).count(), times, "{script}: {name}");
    }
    for call in &calls {
        let shown = format!("{} {:?}", call.path, call.headers);
        assert!(!shown.contains(key) && shown.contains("sk-of-the-provider"), "{script}: {shown}");
    }
    let rows = app.llm_calls().await;
    let row = rows.iter().find(|row| row["model"] == LEFT).expect("a row");
    assert_eq!(row["outcome"], "left", "{script}: {row}");
}

/// Runs a script, whose checks must all hold; gives the key that it was given.
async fn holds(app: &StartedApp, mut command: Command, script: &'static str, more: &[&str]) -> String {
    let key = std::fs::read_to_string(app.data().join("outbound.key")).unwrap().trim().to_owned();
    command.env("SEAWALL_OUTBOUND", app.outbound().to_string()).env("SEAWALL_KEY", &key);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("timeout is there");
    let checks = checks(script, &ran);

    let mut expected: Vec<&str> = COMMON.iter().chain(more).copied().collect();
    let mut done: Vec<&str> = checks.iter().map(|check| check.check.as_str()).collect();
    expected.sort_unstable();
    done.sort_unstable();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(done, expected, "{script} ended with {}:\n{said}", ran.status);
    let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
    assert!(failed.is_empty() && ran.status.success(), "{failed:#?}\n{} {said}", ran.status);
    key
}

/// How the script is started, when all that it needs is there. It sees none of this machine's variables: libraries read many.
fn runner(libraries: &str, script: &str) -> Option<Command> {
    installed(&format!("{libraries}/complete"))?;
    let folder = installed(libraries)?;
    let interpreter = if libraries == NODE { program(&["node"])? } else { folder.join("bin/python") };
    // The script ends by itself; `timeout` bounds it should it not.
    let mut command = Command::new(program(&["timeout"])?);
    command.env_clear().env("SEAWALL_LIBRARIES", folder.join("any")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(LIMIT_S).arg(interpreter).arg(fixture("sdks").join(script));
    Some(command)
}

/// What a script said, which is shown as a table too.
fn checks(script: &str, ran: &Output) -> Vec<Check> {
    let said = String::from_utf8_lossy(&ran.stdout);
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{script}: {error}: {line}"));
    let checks: Vec<Check> = said.lines().map(read).collect();
    let mut table = format!("{script}\n");
    for Check { check, ok, took_ms, why } in &checks {
        let held = if *ok { "ok" } else { "FAILED" };
        let _infallible =
            writeln!(table, "  {check:<22} {held:<7} {took_ms:>6} ms  {}", why.as_deref().unwrap_or_default());
    }
    shown(&table);
    checks
}

#[expect(clippy::print_stderr, reason = "the table is for whoever reads the output of the test")]
fn shown(table: &str) {
    eprintln!("{table}");
}

/// The model that a call names, in its path or its body.
fn model(call: &Call) -> String {
    let in_path = call.path.split_once("/models/").and_then(|(_, rest)| Some(rest.split_once(':')?.0.to_owned()));
    in_path.unwrap_or_else(|| call.json()["model"].as_str().unwrap_or_default().to_owned())
}
