//! `examples/studio` as it is configured there, by the real binary, clicked through in a real browser: ST-1 to ST-11 of the checklist as a
//! person meets them. ST-8 is of the gateway alone, and ST-12 of the coverage stage.

mod guarded;
mod journey;
mod listing;
mod people;
mod recovering;
mod starting;

use std::{fs, path::PathBuf, sync::Arc};

use seawall_testkit::{
    browser::{Browser, Page},
    client::{Client, Request},
    llm::FakeLlm,
};
use serde_json::Value;

use crate::{
    applications::tools::{repository, skip},
    cli::binary::{Place, Server},
    identity::{PASSWORD, pages::browser::browser},
};

/// A studio behind Seawall, and a browser before it.
struct Studio {
    fake: Arc<FakeLlm>,
    place: Place,
    server: Server,
    browser: Browser,
}

/// The studio's program, which is built with the workspace.
fn program() -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_seawall")).with_file_name("studio-example");
    if program.exists() {
        return Some(program);
    }
    skip("the studio is not built (cargo build -p studio-example)");
    None
}

/// The configuration of the example.
fn configuration() -> String {
    fs::read_to_string(repository().join("examples/studio/seawall.toml")).expect("the example has one")
}

impl Studio {
    /// As the example is configured.
    async fn start() -> Option<Self> {
        Self::start_with(str::to_owned).await
    }

    /// The same with a change of its configuration.
    async fn start_with(change: impl FnOnce(&str) -> String) -> Option<Self> {
        let program = program()?;
        let browser = browser().await?;
        let fake = Arc::new(FakeLlm::start().await);
        let command = format!("[app]\ncommand = [\"{}\"]", program.display());
        let config = configuration().replace("http://127.0.0.1:8090", &fake.url()).replacen("[app]", &command, 1);
        let config = format!("{}\n[outbound]\nlisten = \"127.0.0.1:0\"\n", change(&config));
        let place = Place::with_config(&config).with_file(".seawall/provider.key", "offline\n");
        let server = place.serve(&["run"]);
        Some(Self { fake, place, server, browser })
    }

    /// The address of a page.
    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// A browser's page in which somebody has registered, and sees the projects.
    async fn registered(&mut self, name: &str) -> Page<'_> {
        let url = self.at("/_seawall/auth/pages/register?next=/");
        let mut page = self.browser.visitor().await;
        page.go(&url).await;
        page.fill("name", name).await;
        page.fill("password", PASSWORD).await;
        page.enter().await;
        assert_eq!(page.path().await, "/");
        page
    }

    /// Has each of the next calls of models end as one of these names says.
    fn scripting(&self) -> impl Fn(&[&str]) + use<> {
        let fake = Arc::clone(&self.fake);
        move |names| fake.script(names)
    }

    /// A client of the public listener.
    fn client(&self) -> Client {
        self.server.client()
    }

    /// The rows of calls of models, the latest first.
    fn calls(&self) -> Vec<Value> {
        let said = self.place.seawall(&["llm", "calls", "--limit", "100", "--json"]).ok();
        let page: Value = serde_json::from_str(&said).expect("it answers in JSON");
        page["data"].as_array().expect("rows").clone()
    }

    /// The entries of the audit log about an action.
    fn audited(&self, action: &str) -> Vec<Value> {
        let said = self.place.seawall(&["audit-log", "export", "--action", action]).ok();
        said.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// Begins a project on the first page.
async fn describe(page: &mut Page<'_>, description: &str) {
    page.fill("description", description).await;
    page.press("Begin").await;
}

/// Waits until the counter of a page knows the limit, which it asks for once the page has loaded.
async fn until_counted(page: &mut Page<'_>) {
    const COUNTED: &str = "new Promise((done) => { const told = document.getElementById('left'); \
        const look = () => { if (told.innerText.endsWith(' left')) done(true); }; \
        new MutationObserver(look).observe(told, { childList: true, subtree: true }); look(); })";
    assert_eq!(page.evaluate(COUNTED).await, true);
}

/// Whether this can be read on the page.
async fn expect_words(page: &mut Page<'_>, words: &[&str]) {
    let said = page.words().await;
    for expected in words {
        assert!(said.contains(expected), "{expected:?} in\n{said}");
    }
}

/// The cookies that a page's visitor has, as the browser sends them.
async fn cookies(page: &mut Page<'_>) -> String {
    let pair = |cookie: &Value| format!("{}={}", cookie["name"].as_str().unwrap(), cookie["value"].as_str().unwrap());
    page.cookies().await.iter().map(pair).collect::<Vec<_>>().join("; ")
}

/// A form with one field.
fn form(path: &str, cookie: &str, field: &str, text: &str) -> Request {
    let request = Request::post(path).header("Content-Type", "application/x-www-form-urlencoded");
    let request = request.header("Cookie", cookie).header("Sec-Fetch-Site", "same-origin");
    request.body(format!("{field}={}", text.replace(' ', "+")))
}
