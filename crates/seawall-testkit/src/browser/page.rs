//! A page of a browser: going there, pressing keys, and what can be seen.

use serde_json::{Value, json};

use super::connection::Connection;

/// A page of one visitor.
#[derive(Debug)]
pub struct Page<'a> {
    connection: &'a mut Connection,
    session: String,
}

impl<'a> Page<'a> {
    pub(super) const fn new(connection: &'a mut Connection, session: String) -> Self {
        Self { connection, session }
    }

    /// Calls a method of the protocol, such as `WebAuthn.addVirtualAuthenticator`.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.connection.call(Some(&self.session), method, parameters).await
    }

    /// Goes to an address, and waits until it has loaded.
    pub async fn go(&mut self, url: &str) {
        self.connection.forget(&self.session);
        let gone = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.loaded().await;
    }

    /// Goes to an address, and waits until the page has gone on by itself to one whose address ends so.
    pub async fn go_through(&mut self, url: &str, end: &str) {
        self.connection.forget(&self.session);
        self.call("Page.navigate", json!({ "url": url })).await;
        let there = |event: &Value| event["frame"]["url"].as_str().is_some_and(|url| url.ends_with(end));
        self.connection.event_that(&self.session, "Page.frameNavigated", there).await;
    }

    /// Waits until the page that is on its way has loaded.
    async fn loaded(&mut self) {
        self.connection.event(&self.session, "Page.loadEventFired").await;
    }

    /// The value of an expression in the page; of a promise, what it comes to.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The same as text.
    pub async fn text(&mut self, expression: &str) -> String {
        match self.evaluate(expression).await {
            Value::String(text) => text,
            other => panic!("{expression} is no text but {other}"),
        }
    }

    /// The path of the page, with its query.
    pub async fn path(&mut self) -> String {
        self.text("location.pathname + location.search").await
    }

    /// What can be read on the page.
    pub async fn words(&mut self) -> String {
        self.text("document.body.innerText").await
    }

    /// Turns JavaScript of pages on or off; [`Self::evaluate`] works without it, because it is the test's own.
    pub async fn scripts(&mut self, on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !on })).await;
    }

    /// Types a text where the focus is.
    pub async fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses Tab.
    pub async fn tab(&mut self) {
        self.key("Tab", 9, None).await;
    }

    /// Presses Enter, and waits for the page that it leads to.
    pub async fn enter(&mut self) {
        self.connection.forget(&self.session);
        self.key("Enter", 13, Some("\r")).await;
        self.loaded().await;
    }

    async fn key(&mut self, key: &str, code: u32, text: Option<&str>) {
        let mut down = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code });
        if let Some(text) = text {
            down["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", down).await;
        let up = json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", up).await;
    }

    /// Presses Tab until the focus is on what this selector finds, as people do without a mouse.
    pub async fn tab_to(&mut self, selector: &str) {
        const MOST: usize = 60;
        let found = format!("document.activeElement?.matches({}) ?? false", json!(selector));
        for _ in 0..MOST {
            self.tab().await;
            if self.evaluate(&found).await == true {
                return;
            }
        }
        panic!("no Tab leads to {selector}: {}", self.text("document.body.outerHTML").await);
    }

    /// Fills a field that keys lead to.
    pub async fn fill(&mut self, name: &str, text: &str) {
        self.tab_to(&format!("[name={}]", json!(name))).await;
        self.write(text).await;
    }

    /// Presses the first button that keys lead to and that is called so, and waits for the page that it leads to.
    pub async fn press(&mut self, button: &str) {
        self.focus(button).await;
        self.enter().await;
    }

    /// The same, where the page stays.
    pub async fn press_here(&mut self, button: &str) {
        self.focus(button).await;
        self.key("Enter", 13, Some("\r")).await;
    }

    async fn focus(&mut self, button: &str) {
        let mark = format!(
            "(() => {{ const button = [...document.querySelectorAll('button')].find(one => one.innerText.trim().startsWith({})); \
             if (!button) return false; button.dataset.wanted = 'yes'; return true; }})()",
            json!(button)
        );
        assert_eq!(self.evaluate(&mark).await, true, "there is no button {button}: {}", self.words().await);
        self.tab_to("[data-wanted]").await;
    }

    /// All cookies that the page's host is sent.
    pub async fn cookies(&mut self) -> Vec<Value> {
        let cookies = self.call("Network.getCookies", json!({})).await;
        cookies["cookies"].as_array().cloned().unwrap_or_default()
    }
}
