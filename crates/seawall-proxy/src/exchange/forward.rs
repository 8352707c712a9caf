//! The way to the application and back: the request made ready, and its answer looked at before it is passed on.

use std::{rc::Rc, time::Duration};

use http::{
    HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, EXPECT, UPGRADE},
    response,
};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::{
    Mode,
    http::hop,
    problem::{Fault, Problem},
    redact,
    websocket::handshake,
};
use seawall_guards::{Head, Policy, Stop, Watch, strict_http};
use tokio::time::Instant;

use super::{
    Exchange,
    answer::{FromUpstream, Payload},
    attempt::{self, Sent},
    compress,
    tunnel::{self, Opening},
    upload::{Keep, Upload},
};
use crate::{
    edge::{self, Incoming},
    problems::BAD_GATEWAY,
};

/// How much of a failing answer goes to the log from its start and from its end, how much of it is read, and for how long.
const EXCERPT_BYTES: usize = 450;
const READ_BYTES: usize = 64 * 1024;
const EXCERPT_WAIT: Duration = Duration::from_millis(500);

type Answered = Result<Response<Payload>, Box<Problem>>;

impl Exchange {
    /// Forwards a request that all guards passed.
    pub(super) async fn forward(&mut self, policy: &Policy, mut head: Box<Head>, body: Incoming) -> Answered {
        let protocol = hop::upgrade(&head.headers).filter(|_| self.http1);
        let opening = edge::on_upgrade(&mut head.extensions).map(|client| Opening {
            client,
            handshake: policy.sockets().and_then(|_| handshake::read(&head.method, head.version, &head.headers)),
        });
        // Said of this connection, and true of a shared one to the application too.
        self.takes_trailers = self.core.upstream.may_share() && hop::takes_trailers(&head.headers);
        strict_http::strip_connection_fields(&mut head.headers)?;
        // The client was told to go on as soon as its body was read; the application must not wait for it again.
        head.headers.remove(EXPECT);
        if let Some(protocol) = &protocol {
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, protocol.clone());
        }
        head.version = Version::HTTP_11;
        self.core.upstream.name_host(&mut head.headers);

        let keyed = attempt::keyed(&head);
        let now = Instant::now();
        let upload = if body.is_end_stream() {
            Upload::nothing(now)
        } else {
            // Without a limit the body is counted all the same, for the log.
            let watch = policy.watch().unwrap_or_else(|| Watch::new(u64::MAX, Mode::Report));
            self.watch = Some(watch.clone());
            let keep = if policy.retries().may_repeat(&self.method, keyed) { Keep::ToSendAgain } else { Keep::Nothing };
            Upload::streaming(body, Some(watch), keep, now)
        };
        let sent = self.send(policy, head, keyed, &upload, now).await.map_err(|problem| self.failed(problem))?;
        upload.settle();
        self.pass_on(policy, sent, upload, opening.filter(|_| protocol.is_some())).await
    }

    /// Passes the application's answer on, once it is found right.
    async fn pass_on(&mut self, policy: &Policy, sent: Sent, upload: Rc<Upload>, opening: Option<Opening>) -> Answered {
        let Sent { lease, connection, answer } = sent;
        let (mut head, body) = answer.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            let Some(opening) = opening else {
                let problem =
                    Problem::new(&BAD_GATEWAY).inside("the application changed the protocol without being asked");
                return Err(self.failed(Box::new(problem)));
            };
            return tunnel::open(self, policy, head, opening, connection);
        }
        strip_answer(&mut head).map_err(|inside| self.failed(Box::new(Problem::new(&BAD_GATEWAY).inside(inside))))?;
        if let Some(stop) = policy.answer(&mut head, &mut self.context) {
            return Ok(self.replaced(stop, body).await);
        }
        let idle = policy.deadlines().response_idle;
        let payload = compress::or_as_it_is(&mut head, FromUpstream::new(body, lease, connection, upload, idle), self);
        Ok(Response::from_parts(head, payload))
    }

    /// Counts a failure of the application.
    fn failed(&self, problem: Box<Problem>) -> Box<Problem> {
        if problem.kind.fault == Fault::Upstream {
            self.core.meters.upstream_failed(problem.kind.slug);
        }
        problem
    }

    /// A guard replaced the application's answer; the start of the original goes to the log, redacted.
    async fn replaced(&mut self, stop: Stop, body: Incoming) -> Response<Payload> {
        let answer = self.stopped(stop);
        if answer.status().is_server_error() {
            let start = tokio::time::timeout(EXCERPT_WAIT, excerpt(body)).await.unwrap_or_default();
            if !start.is_empty() {
                self.context.inside = Some(format!("the application answered: {}", redact::text(&start)).into());
            }
        }
        answer
    }
}

/// Removes what belongs to the connection to the application.
fn strip_answer(head: &mut response::Parts) -> Result<(), String> {
    hop::strip(&mut head.headers).map_err(|fault| format!("in the application's answer, {fault}"))?;
    head.version = Version::HTTP_11;
    Ok(())
}

/// The start and the end of a body as text: some applications name the fault first, some last.
async fn excerpt(mut body: Incoming) -> String {
    let (mut start, mut end) = (Vec::new(), Vec::new());
    let mut left = READ_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        let (first, rest) = data.split_at(data.len().min(EXCERPT_BYTES - start.len()));
        start.extend_from_slice(first);
        end.extend_from_slice(rest);
        let surplus = end.len().saturating_sub(EXCERPT_BYTES);
        end.drain(..surplus);
        left = left.saturating_sub(data.len());
        if left == 0 {
            break;
        }
    }
    let gap: &[u8] = if end.len() < EXCERPT_BYTES { b"" } else { " … ".as_bytes() };
    String::from_utf8_lossy(&[&start, gap, &end].concat()).into_owned()
}
