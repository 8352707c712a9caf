//! The application's answer shown, as it passes, to the guards that only tell what they see.

use http::response;
use seawall_guards::{Following, Policy};
use tokio::runtime::Handle;

use super::Exchange;
use crate::core::Room;

/// Of the memory for bodies, those who only look take no more than this part, so that those who hold find room.
const SHARE: u64 = 2;

/// How much of an answer is shown in one go.
const PART_BYTES: usize = 64 * 1024;

/// The looks at one answer, and the room for what they keep of it.
#[derive(Debug)]
pub(super) struct Followed {
    following: Following,
    room: Room,
}

impl Exchange {
    /// Asks the guards who of them looks at the answer; nothing when none does.
    pub(super) fn follow(&mut self, policy: &Policy, head: &response::Parts) -> Option<Box<Followed>> {
        let following = policy.follow(head, &mut self.context)?;
        Some(Box::new(Followed { following, room: self.core.room_of(SHARE) }))
    }
}

impl Followed {
    /// Shows the next part. Whether anybody wants more; nobody gets any for which there is no room.
    pub(super) fn part(&mut self, part: &[u8]) -> bool {
        self.room.grow(part.len() as u64) && part.chunks(PART_BYTES).all(|slice| self.following.part(slice))
    }

    /// No more of it comes. What takes long is done on a thread of its own; the room is given back afterwards.
    pub(super) fn end(self, whole: bool) {
        let Self { following, room } = self;
        let rest = following.end(whole);
        // Without a runtime the process ends, and nobody would hear of it.
        let Some(runtime) = Handle::try_current().ok().filter(|_| !rest.is_empty()) else { return };
        let _nobody_waits = runtime.spawn_blocking(move || {
            rest.into_iter().for_each(|rest| rest());
            drop(room);
        });
    }
}
