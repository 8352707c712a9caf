//! What the control plane answers at its own pace: it is given a large body, and its answer may be a stream.

use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header::EXPECT};
use http_body::Frame;
use seawall_core::{problem::Problem, resilience::Keyed};
use seawall_guards::{Head, Kept, Policy, Stop, strict_http};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Exchange,
    answer::{AnswerBroken, OVERDUE, Payload},
    upload::Upload,
};
use crate::{
    builtin::{BuiltinBody, Patience},
    core::Room,
    edge::Incoming,
    problems::bodies_full,
    site::Site,
    timer::Timer,
};

impl Exchange {
    /// Asks the control plane with the whole body. Its memory is given back once the head of the answer is here; when the client leaves
    /// before, whoever answers is told by the way back.
    pub(super) async fn ask_at_length(
        &mut self,
        site: &Site,
        policy: &Policy,
        mut head: Box<Head>,
        body: Incoming,
    ) -> Result<Response<Payload>, Box<Problem>> {
        let upload = self.upload(policy, Keyed::No, body, Instant::now());
        let (body, room) = match self.whole_body(policy, &upload).await {
            Ok(whole) => whole,
            Err(stop) => {
                upload.give_up(head.headers.contains_key(EXPECT));
                return Ok(self.stopped(stop));
            }
        };
        strict_http::strip_connection_fields(&mut head.headers)?;
        let patience = Patience::OfTarget(policy.deadlines().total.map(|_| self.left()));
        let answer = site.builtins.ask(Request::from_parts(*head, body), self.facts(), patience).await?;
        drop(room);
        let mut answer = payload(answer);
        if let Payload::Streamed(streamed) = answer.body_mut() {
            streamed.due = self.due(policy).map(|due| self.core.timers.at(due));
        }
        Ok(answer)
    }

    /// The client's body, within its limit, the time limits and the memory for bodies.
    async fn whole_body(&mut self, policy: &Policy, upload: &Upload) -> Result<(Bytes, Room), Stop> {
        let mut room = self.core.room();
        let mut kept = Kept::default();
        while !upload.done() {
            let Some(part) = self.next_part(policy, upload).await? else { break };
            if !room.grow(part.len() as u64) {
                return Err(Stop::Refused(Box::new(bodies_full())));
            }
            kept.push(part);
        }
        Ok((joined(kept), room))
    }
}

fn joined(kept: Kept) -> Bytes {
    let bytes = kept.bytes();
    let mut parts = kept.into_parts().into_iter();
    match (parts.next(), parts.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only,
        (Some(first), Some(second)) => {
            let mut whole = BytesMut::with_capacity(bytes);
            for part in [first, second].into_iter().chain(parts) {
                whole.extend_from_slice(&part);
            }
            whole.freeze()
        }
    }
}

/// The answer of a built-in target, as it is sent.
pub(super) fn payload(answer: Response<BuiltinBody>) -> Response<Payload> {
    answer.map(|body| match body {
        BuiltinBody::Whole(bytes) => Payload::Whole(bytes),
        BuiltinBody::Streamed(parts) => Payload::Streamed(Box::new(Streamed { parts, over: false, due: None })),
    })
}

/// The body of an answer that comes in parts from the control plane. Dropped, the way is closed, which tells whoever writes.
#[derive(Debug)]
pub(crate) struct Streamed {
    parts: mpsc::Receiver<Result<Bytes, Cow<'static, str>>>,
    over: bool,
    /// When the whole exchange has to be over.
    due: Option<Timer>,
}

impl Streamed {
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        let overdue = self.due.as_mut().is_some_and(|due| Pin::new(due).poll(cx).is_ready());
        match self.parts.poll_recv(cx) {
            Poll::Ready(Some(Ok(_))) | Poll::Pending if overdue => Poll::Ready(Some(Err(AnswerBroken(OVERDUE.into())))),
            Poll::Ready(Some(Ok(part))) => Poll::Ready(Some(Ok(Frame::data(part)))),
            Poll::Ready(Some(Err(why))) => Poll::Ready(Some(Err(AnswerBroken(why)))),
            Poll::Ready(None) => {
                self.over = true;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether all of it was passed on.
    pub(super) const fn over(&self) -> bool {
        self.over
    }
}
