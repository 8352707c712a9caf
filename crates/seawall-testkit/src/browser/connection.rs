//! The socket to a browser: calls and their answers, and the events that come between them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::LIMIT;
use crate::client::{WebSocket, websocket};

/// How many events are kept that nobody has asked for; older ones are forgotten.
const KEPT: usize = 4_096;

/// An open socket.
#[derive(Debug)]
pub(super) struct Connection {
    socket: WebSocket,
    last: u64,
    events: Vec<Value>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, path: &str) -> Self {
        let socket = websocket(address, path, &[]).await.with_limit(LIMIT);
        Self { socket, last: 0, events: Vec::new() }
    }

    /// Calls a method, of a page when its session is named; panics with the browser's words when it does not do it.
    pub(super) async fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut call = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        self.socket.send_text(call.to_string()).await;
        loop {
            let said = self.receive().await;
            if said["id"] == id {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            self.keep(said);
        }
    }

    /// Waits for the next event of a page; one that came since [`Self::forget`] is one.
    pub(super) async fn event(&mut self, session: &str, method: &str) -> Value {
        self.event_that(session, method, |_| true).await
    }

    /// The same of those whose parameters are so.
    pub(super) async fn event_that(&mut self, session: &str, method: &str, so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let fits =
                |event: &&Value| event["method"] == method && event["sessionId"] == session && so(&event["params"]);
            if let Some(event) = self.events.iter().find(fits) {
                return event["params"].clone();
            }
            let said = self.receive().await;
            self.keep(said);
        }
    }

    /// Forgets the events so far of a page.
    pub(super) fn forget(&mut self, session: &str) {
        self.events.retain(|event| event["sessionId"] != session);
    }

    fn keep(&mut self, said: Value) {
        if self.events.len() >= KEPT {
            self.events.remove(0);
        }
        self.events.push(said);
    }

    async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.socket.receive_text().await).expect("the browser says JSON")
    }
}
