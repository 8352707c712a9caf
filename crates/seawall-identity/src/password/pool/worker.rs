//! A thread of the pool: takes jobs, keeps memory while there are some, and outlives panics.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

use seawall_core::queue::Popped;

use super::{Format, Memory, Shared, claim::Claim};

/// One password to hash or verify. Dropped without having run, it tells its caller by that.
pub(super) struct Job {
    pub(super) run: Run,
    pub(super) format: Format,
    /// It takes more memory than each thread may.
    pub(super) large: bool,
    pub(super) begins_by_us: u64,
    pub(super) claim: Arc<Claim>,
}

/// Computes on the thread, in its memory.
pub(super) type Run = Box<dyn FnOnce(&Shared, &mut Memory) -> Deliver + Send>;

/// Gives the caller the answer. Everything is counted by then.
pub(super) type Deliver = Box<dyn FnOnce()>;

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("format", &self.format).finish_non_exhaustive()
    }
}

/// How far the thread steps back before those that serve requests, as a nice value: a quarter of their share of a busy core. So
/// signing in slows traffic little, and traffic does not keep people from signing in.
const NICE: i32 = 5;

/// Works until the queue is closed.
pub(super) fn run(shared: &Shared) {
    // Of the calling thread alone: on Linux each has a nice value of its own (setpriority(2)).
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread that hashes passwords has the priority of those that serve");
    }
    let mut memory = Memory::new();
    loop {
        let longest = (memory.bytes() > 0).then_some(shared.idle);
        match shared.queue.pop(longest) {
            Popped::Item(job) => work(shared, job, &mut memory),
            Popped::Nothing => memory.release(),
            Popped::Closed => return,
        }
    }
}

fn work(shared: &Shared, job: Job, memory: &mut Memory) {
    let begun = shared.clock.now();
    if begun.monotonic_us > job.begins_by_us && job.claim.too_late() {
        shared.watch.waiting(-1);
        return;
    }
    if !job.claim.begin() {
        shared.watch.dropped(1);
        return;
    }
    shared.watch.waiting(-1);
    let running = shared.watch.running();
    let large = job.large.then(|| shared.large.lock().unwrap_or_else(PoisonError::into_inner));
    let run = job.run;
    let deliver = catch_unwind(AssertUnwindSafe(|| run(shared, memory)));
    drop(large);
    drop(running);
    shared.watch.took(job.format, shared.clock.now().since_us(begun));
    match deliver {
        Ok(deliver) => deliver(),
        Err(_) => {
            tracing::error!(password.format = %job.format, "hashing a password panicked; please report it");
            memory.release();
        }
    }
}
