//! The way to the application: a connection, the request, the wait for its answer under all deadlines.

use std::{io, rc::Rc, time::Duration};

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE},
    response,
};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::{Mode, http::hop, problem::Problem, redact};
use seawall_guards::{Head, Policy, Stop, Watch, strict_http};
use tokio::time::Instant;

use super::{
    Exchange, Sending,
    answer::{FromUpstream, Payload},
    progress::{ClientFault, Progress, Waiting},
    tunnel,
};
use crate::{
    edge::{self, Incoming, SendFailure, UpstreamConnection},
    problems::{BAD_GATEWAY, REQUEST_TIMEOUT, TIMED_OUT, UNREACHABLE},
};

/// How much of a failing answer goes to the log from its start and from its end, how much of it is read, and for how long.
const EXCERPT_BYTES: usize = 450;
const READ_BYTES: usize = 64 * 1024;
const EXCERPT_WAIT: Duration = Duration::from_millis(500);

type Answered = Result<Response<Payload>, Box<Problem>>;

impl Exchange {
    /// Forwards a request that all guards passed.
    pub(super) async fn forward(&mut self, policy: &Policy, mut head: Head, body: Incoming) -> Answered {
        let protocol = hop::upgrade(&head.headers).filter(|_| self.http1);
        let client_upgrade = edge::on_upgrade(&mut head.extensions);
        strict_http::strip_connection_fields(&mut head.headers)?;
        // The client was told to go on as soon as its body was read; the application must not wait for it again.
        head.headers.remove(EXPECT);
        if let Some(protocol) = &protocol {
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, protocol.clone());
        }
        head.version = Version::HTTP_11;
        if !head.headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(&self.site.upstream.authority())
        {
            // HTTP/1.0 needs no Host, HTTP/1.1 does.
            head.headers.insert(HOST, host);
        }

        let empty = body.is_end_stream();
        let progress = Progress::new(Instant::now(), empty);
        // Without a limit the body is counted all the same, for the log.
        self.watch = (!empty).then(|| policy.watch().unwrap_or_else(|| Watch::new(u64::MAX, Mode::Report)));
        let body = if empty {
            Sending::nothing(Rc::clone(&progress))
        } else {
            Sending::streaming(body, self.watch.clone(), Rc::clone(&progress))
        };
        let (connection, answer) = self.send(policy, Request::from_parts(head, body), &progress).await?;
        let (mut head, body) = answer.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            let Some(client) = client_upgrade.filter(|_| protocol.is_some()) else {
                return Err(self.failed(
                    Problem::new(&BAD_GATEWAY).inside("the application changed the protocol without being asked"),
                ));
            };
            return tunnel::open(self, policy, head, client);
        }
        strip_answer(&mut head).map_err(|inside| self.failed(Problem::new(&BAD_GATEWAY).inside(inside)))?;
        if let Some(stop) = policy.answer(&mut head, &mut self.context) {
            return Ok(self.replaced(stop, body).await);
        }
        let idle = policy.deadlines().response_idle;
        Ok(Response::from_parts(head, Payload::Upstream(FromUpstream::new(body, connection, progress, idle))))
    }

    /// Sends the request, on an idle connection when there is one. What was surely not sent is sent again; so is a safe
    /// request without a body whose idle connection turns out dead.
    async fn send(
        &mut self,
        policy: &Policy,
        mut request: Request<Sending>,
        progress: &Rc<Progress>,
    ) -> Result<(UpstreamConnection, Response<Incoming>), Box<Problem>> {
        let core = Rc::clone(&self.core);
        let mut fresh = false;
        loop {
            let lease = if fresh { None } else { core.pool.take(Instant::now()) };
            let reused = lease.is_some();
            let mut connection = match lease {
                Some(connection) => connection,
                None => self.connect(policy.deadlines().connect).await?,
            };
            let again = (reused && progress.done() && safe(&self.method)).then(|| copy(&request, progress)).flatten();
            self.sent = true;
            let started_us = core.clock.now().monotonic_us;
            let outcome = self.wait(policy, connection.send(request), progress).await?;
            self.upstream_us = Some(core.clock.now().monotonic_us.saturating_sub(started_us));
            request = match (outcome, again) {
                (Ok(answer), _) => return Ok((connection, answer)),
                (Err(SendFailure::NothingSent(request)), _) if reused => *request,
                (Err(SendFailure::Broken(_)), Some(again)) => again,
                (Err(failure), _) => return Err(self.broken(policy, failure, progress)),
            };
            core.meters.retries.increment();
            fresh = true;
        }
    }

    async fn connect(&mut self, limit: Duration) -> Result<UpstreamConnection, Box<Problem>> {
        let site = Rc::clone(&self.site);
        self.core.meters.upstream_connections.increment();
        UpstreamConnection::open(&site.upstream, limit).await.map_err(|error| {
            let problem = match error.kind() {
                io::ErrorKind::TimedOut => &TIMED_OUT,
                // Accepted, and then thrown out.
                io::ErrorKind::ConnectionReset => &BAD_GATEWAY,
                _ => &UNREACHABLE,
            };
            self.failed(
                Problem::new(problem).inside(format!("connecting to {} failed: {error}", site.upstream)).retry_after(1),
            )
        })
    }

    /// Waits for an answer's head. One timer serves all deadlines: it is looked at only when it fires.
    async fn wait<T>(
        &mut self,
        policy: &Policy,
        answer: impl Future<Output = T>,
        progress: &Progress,
    ) -> Result<T, Box<Problem>> {
        let deadlines = policy.deadlines();
        let ends = deadlines.total.map(|_| {
            let left_us = self.context.deadline_us.saturating_sub(self.core.clock.now().monotonic_us);
            Instant::now() + Duration::from_micros(left_us)
        });
        let limits = (deadlines.request_idle, deadlines.response_head);
        // When the wait is over as things stand, and when to look again: while the body is on its way, who is waited for may
        // change without a word.
        let due = || {
            let (waiting, since) = progress.state();
            let limit = if waiting == Waiting::Client { limits.0 } else { limits.1 };
            ends.map_or(since + limit, |ends| ends.min(since + limit))
        };
        let look = |due: Instant| if progress.done() { due } else { due.min(Instant::now() + limits.0.min(limits.1)) };
        let mut answer = std::pin::pin!(answer);
        let mut timer = self.core.timers.at(look(due()));
        loop {
            tokio::select! {
                biased;
                answered = &mut answer => return Ok(answered),
                () = &mut timer => {}
            }
            let due = due();
            if due <= Instant::now() {
                let late = ends.is_some_and(|ends| ends <= Instant::now());
                return Err(self.timed_out(progress, late));
            }
            timer.reset(look(due));
        }
    }

    /// Whose fault it is that no answer came in time.
    fn timed_out(&self, progress: &Progress, late: bool) -> Box<Problem> {
        if progress.state().0 == Waiting::Client && !late {
            return Box::new(Problem::new(&REQUEST_TIMEOUT).close());
        }
        let problem = Problem::new(&TIMED_OUT).inside("no answer came in time");
        self.failed(if progress.done() { problem } else { problem.close() })
    }

    /// What a failed exchange with the application means.
    fn broken(&mut self, policy: &Policy, failure: SendFailure, progress: &Progress) -> Box<Problem> {
        if self.watch.as_ref().is_some_and(Watch::exceeded)
            && let Some(Stop::Refused(problem)) = policy.body_exceeded(&mut self.context)
        {
            return problem;
        }
        match progress.fault() {
            Some(ClientFault::Malformed) => {
                return Box::new(
                    Problem::new(&strict_http::INVALID_REQUEST)
                        .detail("The request's body breaks off its framing.")
                        .close(),
                );
            }
            Some(ClientFault::Left) => {
                self.client_left = true;
                return Box::new(
                    Problem::new(&strict_http::INVALID_REQUEST)
                        .inside("the client left in the middle of its body")
                        .close(),
                );
            }
            None => {}
        }
        let inside = match failure {
            SendFailure::NothingSent(_) => {
                "the application closed each connection before it took the request".to_owned()
            }
            SendFailure::Broken(error) => format!("the exchange with the application failed: {}", chain(&error)),
        };
        self.failed(Problem::new(&BAD_GATEWAY).inside(inside))
    }

    /// Counts a failure of the application.
    fn failed(&self, problem: Problem) -> Box<Problem> {
        self.core.meters.upstream_failed(problem.kind.slug);
        Box::new(problem)
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
    if head.headers.contains_key(TRANSFER_ENCODING) && head.headers.contains_key(CONTENT_LENGTH) {
        return Err("the application's answer gives its length in two ways".to_owned());
    }
    if !hop::plain_coding(&head.headers) {
        return Err("the application's answer is in a transfer coding other than chunked".to_owned());
    }
    hop::strip(&mut head.headers).map_err(|fault| format!("in the application's answer, {fault}"))?;
    head.version = Version::HTTP_11;
    Ok(())
}

fn safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The same request again, without a body.
fn copy(request: &Request<Sending>, progress: &Rc<Progress>) -> Option<Request<Sending>> {
    let mut copy = Request::new(Sending::nothing(Rc::clone(progress)));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    request.body().is_end_stream().then_some(copy)
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

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
