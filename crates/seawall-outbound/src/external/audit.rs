//! What the audit log says of calls that do something elsewhere: that one is made, before it is; and how it was answered. So a call that nobody
//! saw the end of is known to have been made.

use std::sync::Arc;

use http::{StatusCode, request};
use seawall_core::problem::Problem;
use seawall_store::{
    Actor, Cause, Db, StoreError,
    audit::{Entry, Outcome},
};
use serde_json::{Map, Value, json};

use crate::{caller::Caller, problem::NO_ROOM};

/// The longest path that is written down, in bytes.
const LONGEST_PATH: usize = 500;

/// A call that is written down.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    db: Db,
    cause: Cause,
    service: Arc<str>,
    what: Map<String, Value>,
}

impl Deed {
    /// A call of somebody. `path` is the service's, without a query: that may hold what is nobody's business.
    pub(super) fn new(db: &Db, service: &str, caller: &Caller, head: &request::Parts, path: &str) -> Self {
        let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let actor = match &caller.user {
            Some(user) => Actor::User(Arc::clone(user)),
            None => Actor::Key(Arc::clone(&caller.key)),
        };
        let what = Map::from_iter([
            ("caller".to_owned(), json!(&*caller.key)),
            ("method".to_owned(), json!(head.method.as_str())),
            ("path".to_owned(), json!(path.get(..path.floor_char_boundary(LONGEST_PATH)))),
        ]);
        Self { db: db.clone(), cause: Cause::request(actor, None, request_id), service: service.into(), what }
    }

    /// The call is about to be made.
    ///
    /// # Errors
    /// It cannot be written down; then it must not be made.
    pub(super) async fn called(&self) -> Result<(), Box<Problem>> {
        let written = self.write("outbound.called", Outcome::Done, self.what.clone()).await;
        written.map_err(|error| Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string()).into())
    }

    /// The call was answered so, or not at all.
    pub(super) async fn answered(&self, status: Option<StatusCode>) {
        let outcome = match status {
            None => Outcome::Failed,
            Some(status) if status.is_server_error() => Outcome::Failed,
            Some(status) if status.is_client_error() => Outcome::Refused,
            Some(_) => Outcome::Done,
        };
        let mut what = self.what.clone();
        if let Some(status) = status {
            what.insert("status".to_owned(), json!(status.as_u16()));
        }
        // The answer is here and has to be given: that the call was made is in the log already.
        if let Err(error) = self.write("outbound.answered", outcome, what).await {
            tracing::error!(outbound.name = &*self.service, %error, "the audit log lacks how a call was answered");
        }
    }

    async fn write(&self, action: &'static str, outcome: Outcome, what: Map<String, Value>) -> Result<(), StoreError> {
        let service = self.service.to_string();
        let write = move |tx: &mut seawall_store::Tx<'_>| {
            let entry = Entry::new(action, "outbound", &service).with_outcome(outcome);
            tx.audit(entry.changed(Map::new(), what.clone()))
        };
        self.db.write(&self.cause, write).await
    }
}

/// Methods that do something, as patterns of routes.
pub(super) const CHANGING: &[&str] = &["POST /*", "PUT /*", "PATCH /*", "DELETE /*"];
