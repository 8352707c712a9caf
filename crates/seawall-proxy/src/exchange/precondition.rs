//! A change held against the application's current state, before it is sent on: one change of a resource at a time, each after a GET.
//!
//! What this can promise ends with this process: whoever changes the resource otherwise, through another node or in the application
//! itself, is not held up. A client that leaves ends its turn, although the application may still be at work for it.

use std::sync::Arc;

use http::{
    HeaderName, Method, Request, StatusCode,
    header::{
        CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE,
        ETAG, EXPECT, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use seawall_core::{http::Strength, problem::Problem, resilience::Keyed};
use seawall_guards::{
    Head, Policy, Stop,
    conditional::{self, Current},
};
use tokio::time::Instant;

use super::{Exchange, answer::FromUpstream, attempt::Sent, forward::strip_answer, upload::Upload};
use crate::core::Turn;

/// What of the change's head is not the question's: what speaks of its body, its method, its own conditions, and its connection.
static OF_THE_CHANGE: [HeaderName; 24] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_RANGE,
    CONTENT_TYPE,
    EXPECT,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("idempotency-key"),
    // By these some applications take a GET for the change itself.
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];

/// Whose tag the current state has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagOf {
    Application,
    Seawall,
}

impl Exchange {
    /// Compares what the change says it knows with the current state. The turn, when it needs one: to be kept until the change is
    /// answered.
    pub(super) async fn compare(&mut self, policy: &Policy, head: &mut Head) -> Result<Option<Turn>, Stop> {
        let Some(check) = &self.context.conditional.check else { return Ok(None) };
        let (enforces, wait, most_bytes, tags) = (check.enforces, check.wait, check.most_bytes, check.tags);
        let wait = wait.min(self.left());
        let turns = Arc::clone(&self.core.turns);
        let turn = if enforces { turns.take(&crate::spelled(head.uri.path()), wait).await } else { None };
        let (current, of) = match &turn {
            None if enforces => (Current::Taken, TagOf::Application),
            _ => self.current(policy, head, most_bytes, tags).await,
        };
        if let Some(stop) = policy.current(&current, &mut self.context) {
            return Err(stop);
        }
        // The application never heard of such a tag, and could only refuse it.
        if enforces && of == TagOf::Seawall {
            head.headers.remove(IF_MATCH);
        }
        Ok(turn)
    }

    /// Asks the application for its current state.
    async fn current(
        &mut self,
        policy: &Policy,
        head: &Head,
        most_bytes: u64,
        tags: Option<Strength>,
    ) -> (Current, TagOf) {
        let mut question = Request::new(()).into_parts().0;
        (question.uri, question.version) = (head.uri.clone(), head.version);
        question.headers.clone_from(&head.headers);
        for field in &OF_THE_CHANGE {
            question.headers.remove(field);
        }
        let now = Instant::now();
        let nothing = Upload::nothing(now);
        // For as long as it asks, the exchange is one of GET; that the change was not sent stays true.
        let change = (std::mem::replace(&mut self.method, Method::GET), self.sent);
        let answered = self.send(policy, Box::new(question), Keyed::No, &nothing, now).await;
        (self.method, self.sent) = change;
        let unknown = |why: String| (Current::Unknown(why.into()), TagOf::Application);
        let Sent { lease, connection, answer } = match answered {
            Ok(sent) => sent,
            Err(problem) => return unknown(asked_in_vain(&problem)),
        };
        let (mut head, body) = answer.into_parts();
        let mut body = FromUpstream::new(body, lease, connection, nothing, policy.deadlines().response_idle);
        if let Err(why) = strip_answer(&mut head) {
            return unknown(why);
        }
        let whole = match head.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => None,
            StatusCode::OK if head.headers.contains_key(ETAG) => None,
            StatusCode::OK if tags.is_some() && conditional::shareable(&head, most_bytes) => Some(()),
            StatusCode::OK => {
                return unknown("the application's answer to GET has no ETag, and none is made of it".to_owned());
            }
            other => return unknown(format!("the application answered {} to GET", other.as_u16())),
        };
        let read = match self.read_whole(&mut body, most_bytes).await {
            Ok(read) => read,
            Err(problem) => return unknown(asked_in_vain(&problem)),
        };
        body.dismiss(Instant::now());
        if whole.is_none() {
            let tag = head.headers.remove(ETAG).filter(|_| head.status == StatusCode::OK);
            return (tag.map_or(Current::Absent, Current::Tagged), TagOf::Application);
        }
        match (read, tags) {
            (Some(body), Some(strength)) => {
                let mut tagging = conditional::tagging(&head.headers);
                tagging.body(&body);
                (Current::Tagged(tagging.finish(strength)), TagOf::Seawall)
            }
            _ => unknown("the application's answer to GET is longer than `max`, or there is no room for it".to_owned()),
        }
    }
}

fn asked_in_vain(problem: &Problem) -> String {
    format!("asking the application failed: {}", problem.inside.as_deref().unwrap_or(problem.kind.slug))
}
