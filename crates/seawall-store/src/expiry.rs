//! The thread that answers transactions whose time is over while they still wait.
//!
//! Without it they would be answered when a thread is free again: with a server or a disk that hangs, long after their own limit.

use std::{sync::Arc, time::Duration};

use crate::{
    lanes::Lanes,
    queue::{Popped, Queue},
    watch::{Outcome, Watch},
    work::Job,
};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);

/// Looks after the lanes until the bell is closed.
pub(crate) fn serve(lanes: &Lanes, watch: &Arc<Watch>, bell: &Queue<Job>) {
    while !matches!(bell.pop(Some(EVERY)), Popped::Closed) {
        let now_us = watch.now().monotonic_us;
        for lane in [&lanes.write, &lanes.interactive, &lanes.background, &lanes.replica] {
            for mut job in lane.take(|job| job.deadline_us <= now_us) {
                watch.transaction(job.intent, job.asked_us, Outcome::Failed);
                let failure = job.timed_out();
                job.work.answer(Err(failure));
            }
        }
    }
}
