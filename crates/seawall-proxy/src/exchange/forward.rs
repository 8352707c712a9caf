//! The way to the application and back: the request made ready, and its answer looked at before it is passed on.

use std::{rc::Rc, time::Duration};

use http::{
    HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, EXPECT, UPGRADE},
    response,
};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::{Mode, http::hop, problem::Problem, redact, resilience::Keyed, websocket::handshake};
use seawall_guards::{Head, Policy, Stop, Watch, strict_http};
use tokio::time::Instant;

use super::{
    Exchange,
    alike::{Joined, Leading},
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
    /// Forwards a request that all guards passed, once those that look at bodies have seen its body.
    pub(super) async fn forward(&mut self, policy: &Policy, mut head: Box<Head>, body: Incoming) -> Answered {
        let keyed = attempt::keyed(&head);
        let now = Instant::now();
        let upload = self.upload(policy, keyed, body, now);
        if let Some(stop) = self.look(policy, &mut head, &upload).await {
            upload.give_up(head.headers.contains_key(EXPECT));
            return Ok(self.stopped(stop));
        }
        let leading = match self.join(&upload).await {
            Joined::Has(shared) => return Ok(self.pass_on_shared(policy, &shared).await),
            Joined::Leads(leading) => Some(leading),
            Joined::Alone => None,
        };
        let protocol = hop::upgrade(&head.headers).filter(|_| self.http1);
        let opening = edge::on_upgrade(&mut head.extensions).zip(protocol.clone()).map(|(client, protocol)| Opening {
            client,
            protocol,
            handshake: policy.sockets().and_then(|_| handshake::read(&head.method, head.version, &head.headers)),
        });
        // Whether it may be sent twice is Seawall's to say while it keeps what became of it, and not the application's.
        let keyed = match &self.context.attempt {
            Some(attempt) if !attempt.bears_twice() => Keyed::No,
            _ => keyed,
        };
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

        let turn = match self.compare(policy, &mut head).await {
            Ok(turn) => turn,
            Err(stop) => {
                upload.give_up(false);
                return Ok(self.stopped(stop));
            }
        };
        let sent = self.send(policy, head, keyed, &upload, Instant::now()).await;
        drop(turn);
        if !self.method.is_safe() {
            self.core.flights.changed();
        }
        let sent = sent?;
        upload.settle();
        self.pass_on(policy, sent, (upload, opening, leading)).await
    }

    pub(super) fn upload(&mut self, policy: &Policy, keyed: Keyed, body: Incoming, now: Instant) -> Rc<Upload> {
        if body.is_end_stream() {
            return Upload::nothing(now);
        }
        // Without a limit the body is counted all the same, for the log.
        let watch = policy.watch().unwrap_or_else(|| Watch::new(u64::MAX, Mode::Report));
        self.watch = Some(watch.clone());
        let keep = if policy.retries().may_repeat(&self.method, keyed) { Keep::ToSendAgain } else { Keep::Nothing };
        Upload::streaming(body, Some(watch), keep, now)
    }

    /// Passes the application's answer on, once it is found right.
    async fn pass_on(
        &mut self,
        policy: &Policy,
        sent: Sent,
        (upload, opening, leading): (Rc<Upload>, Option<Opening>, Option<Leading>),
    ) -> Answered {
        let Sent { lease, connection, answer } = sent;
        let (mut head, body) = answer.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            let Some(opening) = opening else {
                let inside = "the application changed the protocol without being asked";
                return Err(Box::new(Problem::new(&BAD_GATEWAY).inside(inside)));
            };
            return tunnel::open(self, policy, head, opening, connection);
        }
        strip_answer(&mut head).map_err(|inside| Box::new(Problem::new(&BAD_GATEWAY).inside(inside)))?;
        let sharing = leading.and_then(|leading| leading.sharing(&head));
        let follow = self.follow(policy, &head);
        if let Some(stop) = policy.answer(&mut head, &mut self.context) {
            return Ok(self.replaced(stop, body).await);
        }
        let idle = policy.deadlines().response_idle;
        let mut body = FromUpstream::new(body, lease, connection, upload, idle);
        body.shown_to(follow);
        if let Some(sharing) = sharing {
            self.share(sharing, &mut body).await?;
        }
        if let Some(stop) = self.hold(policy, &mut head, &mut body).await? {
            return Ok(self.stopped(stop));
        }
        let payload = compress::or_as_it_is(&mut head, body, self);
        Ok(Response::from_parts(head, payload))
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
pub(super) fn strip_answer(head: &mut response::Parts) -> Result<(), String> {
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
