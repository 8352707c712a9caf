//! The application's answer held for the guards that must have seen all of it before the client sees anything.

use std::{collections::VecDeque, future::poll_fn};

use bytes::Bytes;
use http::response;
use http_body::Frame;
use seawall_core::problem::Problem;
use seawall_guards::{HeldFlow, Holding, Kept, Policy, Stop};
use tokio::time::Instant;

use super::{Exchange, answer::FromUpstream};
use crate::{core::Room, problems::BAD_GATEWAY};

/// How much of an answer is looked at in one go.
const PART_BYTES: usize = 64 * 1024;

impl Exchange {
    /// Holds the answer while a guard wants more of it. What takes its place, when something does.
    pub(super) async fn hold(
        &mut self,
        policy: &Policy,
        head: &mut response::Parts,
        body: &mut FromUpstream,
    ) -> Result<Option<Stop>, Box<Problem>> {
        let Some(mut holding) = policy.hold(head, &mut self.context) else { return Ok(None) };
        let look = |part: &Bytes| {
            let more = part.chunks(PART_BYTES).all(|slice| holding.part(slice));
            Looked { more, beside_bytes: holding.held_bytes() }
        };
        let ended = self.read_front(body, look).await?;
        let stop = self.held(policy, &mut holding, ended, head).await;
        if stop.is_some() {
            body.followed();
            body.dismiss(Instant::now());
        }
        Ok(stop)
    }

    /// The same for an answer that is all here.
    pub(super) async fn hold_whole(
        &mut self,
        policy: &Policy,
        head: &mut response::Parts,
        body: &Bytes,
    ) -> Option<Stop> {
        let mut holding = policy.hold(head, &mut self.context)?;
        let _wanted = body.chunks(PART_BYTES).all(|slice| holding.part(slice));
        self.held(policy, &mut holding, true, head).await
    }

    /// What those say who held the answer.
    async fn held(
        &mut self,
        policy: &Policy,
        holding: &mut Holding,
        ended: bool,
        head: &mut response::Parts,
    ) -> Option<Stop> {
        let mut flow = policy.held(holding, ended, head, &mut self.context);
        loop {
            match flow {
                HeldFlow::Pass => return None,
                HeldFlow::Stop(stop) => return Some(stop),
                HeldFlow::Later(place, wait) => {
                    let said = (place, wait.await);
                    flow = policy.held_after(said, holding, ended, head, &mut self.context);
                }
            }
        }
    }

    /// Reads a body of no more than so many bytes; nothing when it is longer. Either way what was read is sent first.
    pub(super) async fn read_whole(
        &mut self,
        body: &mut FromUpstream,
        most_bytes: u64,
    ) -> Result<Option<Bytes>, Box<Problem>> {
        let (mut parts, mut left) = (Vec::new(), most_bytes);
        let ended = self
            .read_front(body, |part| {
                let fits = left.checked_sub(part.len() as u64);
                left = fits.unwrap_or_default();
                parts.push(part.clone());
                Looked { more: fits.is_some(), beside_bytes: 0 }
            })
            .await?;
        let whole = ended && parts.iter().map(Bytes::len).sum::<usize>() as u64 <= most_bytes;
        Ok(whole.then(|| match <[Bytes; 1]>::try_from(parts) {
            Ok([part]) => part,
            Err(parts) => parts.concat().into(),
        }))
    }

    /// Reads the body until it is over or no more of it is wanted; whether it is over. What was read is sent first.
    async fn read_front(
        &mut self,
        body: &mut FromUpstream,
        mut look: impl FnMut(&Bytes) -> Looked,
    ) -> Result<bool, Box<Problem>> {
        let mut room = self.core.room();
        let mut beside_bytes = 0;
        let mut kept = Kept::default();
        let mut trailers = None;
        while !body.complete() {
            let Some(frame) = poll_fn(|cx| body.poll_frame(cx, self)).await else { break };
            let frame = frame.map_err(|broken| Box::new(Problem::new(&BAD_GATEWAY).inside(broken.0)))?;
            let part = match frame.into_data() {
                Ok(part) => part,
                Err(last) => {
                    trailers = Some(last);
                    break;
                }
            };
            let looked = look(&part);
            let more_beside = looked.beside_bytes.saturating_sub(beside_bytes);
            let fits = room.grow(part.len() as u64 + more_beside);
            beside_bytes += more_beside;
            kept.push(part);
            if !(fits && looked.more) {
                break;
            }
        }
        let ended = body.complete();
        body.begin_with(Front { parts: kept.into_parts().into(), trailers, _room: room });
        Ok(ended)
    }
}

/// What a look at a part of an answer comes to.
struct Looked {
    /// Whether more is wanted.
    more: bool,
    /// The bytes kept by now beside the parts.
    beside_bytes: u64,
}

/// What of an answer was read already.
#[derive(Debug)]
pub(super) struct Front {
    parts: VecDeque<Bytes>,
    trailers: Option<Frame<Bytes>>,
    _room: Room,
}

impl Front {
    /// The next frame.
    pub(super) fn next(&mut self) -> Option<Frame<Bytes>> {
        self.parts.pop_front().map(Frame::data).or_else(|| self.trailers.take())
    }

    /// Whether it ends with trailers.
    pub(super) const fn trailed(&self) -> bool {
        self.trailers.is_some()
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.trailers.is_none()
    }

    /// Bytes left.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}
