//! The body shown to the guards that look at bodies, and held until they have: nothing of it reaches the application before.

use std::{future::poll_fn, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use seawall_core::problem::Problem;
use seawall_guards::{Flow, Head, Inspection, Kept, Policy, Stop};
use tokio::time::Instant;

use super::{Exchange, failed::timed_out, upload::Upload};
use crate::{core::Room, problems::bodies_full};

/// How much of a body is looked at in one go: some hundred microseconds' worth.
const PART_BYTES: usize = 64 * 1024;

/// While the memory for bodies is short: how many bytes a second a client must send, and how long it may be silent.
const SHORT_RATE: u64 = 64 * 1024;
const SHORT_WAIT: Duration = Duration::from_secs(2);

impl Exchange {
    /// Shows the body to the guards that look at it. Why the request goes no further, when it does not.
    pub(super) async fn look(&mut self, policy: &Policy, head: &mut Head, upload: &Upload) -> Option<Stop> {
        let stop = self.looked(policy, head, upload).await;
        // Nobody asks for what was read any more, and the exchange may take long from here on.
        (self.context.json, self.context.held) = (None, None);
        stop
    }

    async fn looked(&mut self, policy: &Policy, head: &mut Head, upload: &Upload) -> Option<Stop> {
        let mut inspection = match policy.inspect(head, upload.length(), &mut self.context) {
            Ok(inspection) => inspection?,
            Err(stop) => return Some(stop),
        };
        if upload.length() != Some(0)
            && let Err(stop) = self.show(policy, &mut inspection, upload).await
        {
            return Some(stop);
        }
        let mut flow = policy.inspected(&mut inspection, head, &mut self.context);
        while let Flow::Later(place, wait) = flow {
            flow = policy.inspected_after(place, wait.await, &mut inspection, head, &mut self.context);
        }
        if let Flow::Stop(stop) = flow {
            return Some(stop);
        }
        if let Some(body) = self.context.body.take() {
            head.headers.remove(TRANSFER_ENCODING);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            upload.replace(body);
        }
        None
    }

    /// Reads the body and shows it, until it is over or nobody wants to see more.
    async fn show(&mut self, policy: &Policy, inspection: &mut Inspection, upload: &Upload) -> Result<(), Stop> {
        let mut taken = Taken { room: self.core.room(), beside_bytes: 0 };
        let mut kept = Kept::default();
        while !inspection.over() {
            let Some(part) = self.next_part(policy, upload).await? else { break };
            self.show_part(policy, inspection, &part, &mut taken).await?;
            if !taken.grow(part.len() as u64) {
                self.no_further(policy, inspection)?;
            }
            kept.push(part);
            // Asking what is over costs as much as asking for a part.
            if upload.all_here() {
                break;
            }
        }
        if taken.beside_bytes > 0 {
            self.context.held = Some(Box::new(taken.room.split_off(taken.beside_bytes)));
        }
        upload.begin_with(kept.into_parts(), taken.room);
        Ok(())
    }

    async fn show_part(
        &mut self,
        policy: &Policy,
        inspection: &mut Inspection,
        part: &Bytes,
        taken: &mut Taken,
    ) -> Result<(), Stop> {
        let mut slices = part.chunks(PART_BYTES).peekable();
        while let Some(slice) = slices.next() {
            if let Some(stop) = policy.inspect_part(inspection, slice, &mut self.context) {
                return Err(stop);
            }
            if !taken.grow_beside(inspection.held_bytes()) {
                self.no_further(policy, inspection)?;
            }
            if slices.peek().is_some() {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// There is no room for more of the body, or for what guards keep of it.
    fn no_further(&mut self, policy: &Policy, inspection: &mut Inspection) -> Result<(), Stop> {
        policy.inspect_no_further(inspection, &bodies_full(), &mut self.context).map_or(Ok(()), Err)
    }

    /// The next part of the body; nothing when it is over.
    pub(super) async fn next_part(&mut self, policy: &Policy, upload: &Upload) -> Result<Option<Bytes>, Stop> {
        loop {
            let frame = tokio::select! {
                biased;
                frame = poll_fn(|cx| upload.poll_client(cx)) => frame,
                () = self.too_late(policy, upload) => return Err(Stop::Refused(timed_out(upload))),
            };
            match frame {
                // Trailers of a body that was looked at are not sent on (RFC 9110 section 6.5.1).
                Some(Ok(frame)) => {
                    if let Ok(part) = frame.into_data() {
                        return Ok(Some(part));
                    }
                }
                None => return Ok(None),
                Some(Err(error)) => {
                    let problem = self.failed_by_client(policy, upload);
                    return Err(Stop::Refused(problem.unwrap_or_else(|| {
                        Box::new(
                            Problem::new(&seawall_guards::strict_http::INVALID_REQUEST)
                                .inside(error.to_string())
                                .close(),
                        )
                    })));
                }
            }
        }
    }

    /// Ends when the client was waited for longer than the time limits allow. While the memory for bodies is short, a client that makes
    /// others wait for its share of it has less time: a few that stall must not keep everybody out.
    async fn too_late(&self, policy: &Policy, upload: &Upload) {
        let deadlines = policy.deadlines();
        let limit_bytes = self.core.settings().body_memory_bytes;
        let total = self.due(policy);
        let due = || {
            let (mut rate, mut grace, mut idle) =
                (deadlines.request_rate, deadlines.request_grace, deadlines.request_idle);
            if self.core.body_memory.short(limit_bytes) {
                (rate, grace, idle) = (rate.max(SHORT_RATE), grace.min(SHORT_WAIT), idle.min(SHORT_WAIT));
            }
            let slow = upload.too_slow_at(rate, grace);
            total.into_iter().chain(slow).fold(upload.state().1 + idle, Instant::min)
        };
        let look = || due().min(Instant::now() + SHORT_WAIT / 2);
        let mut timer = self.core.timers.at(look());
        loop {
            (&mut timer).await;
            if due() <= Instant::now() {
                return;
            }
            timer.reset(look());
        }
    }
}

/// What one body takes of the memory for bodies.
struct Taken {
    room: Room,
    /// What of it guards keep beside the body: a document as a tree may be dozens of times as large as it came.
    beside_bytes: u64,
}

impl Taken {
    /// Takes so many bytes more, when they are there.
    fn grow(&mut self, bytes: u64) -> bool {
        self.room.grow(bytes)
    }

    /// Guards keep so many bytes by now.
    fn grow_beside(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.beside_bytes);
        if more > 0 && !self.grow(more) {
            return false;
        }
        self.beside_bytes += more;
        true
    }
}
