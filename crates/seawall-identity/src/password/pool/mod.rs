//! A bounded pool of threads that hash: logins never take the cores from everything else, and too many at once are told so at once.
//!
//! Each thread keeps argon2's memory from one password to the next and gives it back when it has had nothing to do for a while.
//! At most they take, for each thread, the memory of a hash of today and 64 MiB for a foreign one, and 256 MiB once for one that needs
//! more.

mod claim;
mod watch;
mod worker;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    meter::Meter,
    queue::{Queue, Rejected},
    settings::Secret,
};
use tokio::{sync::oneshot, time::timeout};

use self::{
    claim::Claim,
    watch::{Refused, Watch},
    worker::{Deliver, Job},
};
use super::{Floor, Format, Hasher, MAX_BYTES, Memory, PasswordError, Stored};

pub use watch::METRICS;

/// What a thread may take without asking the others.
const FREE_MEMORY_KIB: u64 = 64 * 1024;
const WAITING_PER_THREAD: usize = 32;
const MOST_EXAMPLES: usize = 128;
const IDLE: Duration = Duration::from_secs(30);
/// When a caller is told to come back, at the least and at the most.
const RETRY_US: (u64, u64) = (1_000_000, 30_000_000);

/// How large a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Threads; at least one is started.
    pub threads: usize,
    /// Jobs that may wait; at least one.
    pub waiting: usize,
    /// After so long without work a thread gives its memory back.
    pub idle: Duration,
}

/// All cores but one, 32 waiting jobs for each, 30 s.
impl Default for PoolOptions {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.saturating_sub(1).max(1);
        Self { threads, waiting: threads * WAITING_PER_THREAD, idle: IDLE }
    }
}

/// Why the pool did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// Too much waits already, or it waited too long; nothing was computed.
    #[error("too many passwords wait to be hashed; try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When it is likely to work.
        retry_after: Duration,
    },
    /// It was the password's or the stored hash's fault.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The pool is shutting down.
    #[error("passwords are not hashed any more, because the process ends")]
    Stopped,
    /// A fault of the hashing code; the thread goes on.
    #[error("hashing a password panicked")]
    Panicked,
    /// The system gave no thread.
    #[error("a thread for hashing passwords could not be started")]
    Thread(#[source] std::io::Error),
}

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It is the stored password.
    pub matches: bool,
    /// It matches, and should be hashed anew while it is at hand.
    pub upgrade_due: bool,
    /// How long it was computed, without what it waited for its turn.
    pub took: Duration,
}

/// Threads that hash and verify passwords.
#[derive(Debug)]
pub struct HashingPool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What threads and callers have in common.
#[derive(Debug)]
struct Shared {
    hasher: Hasher,
    floor: Arc<Floor>,
    clock: Arc<dyn Clock>,
    queue: Queue<Job>,
    watch: Watch,
    threads: u64,
    idle: Duration,
    /// Held while more memory is used than each thread may.
    large: Mutex<()>,
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        hasher: Hasher,
        floor: Arc<Floor>,
        options: PoolOptions,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
    ) -> Result<Self, PoolError> {
        let count = options.threads.max(1);
        let shared = Arc::new(Shared {
            hasher,
            floor,
            clock,
            queue: Queue::new(options.waiting.max(1)),
            watch: Watch::new(meter),
            threads: count as u64,
            idle: options.idle,
            large: Mutex::new(()),
        });
        // Dropped on an error, it ends those that were started.
        let pool = Self { shared, threads: Mutex::default() };
        for number in 0..count {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("password-{number}"));
            let thread = thread.spawn(move || worker::run(&shared)).map_err(PoolError::Thread)?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    /// A hash to store. The job begins `within` this time, or not at all.
    ///
    /// # Errors
    /// The pool is busy, or the password is too long.
    pub async fn hash(&self, password: Secret, within: Duration) -> Result<String, PoolError> {
        let kib = u64::from(self.shared.hasher.cost().memory_kib());
        let work = move |shared: &Shared, memory: &mut Memory| shared.hasher.hash(password.expose(), memory);
        self.submit(Format::Argon2id, kib, within, work).await
    }

    /// Whether it is the stored password. The job begins `within` this time, or not at all.
    ///
    /// # Errors
    /// The pool is busy, or a pepper is missing.
    pub async fn verify(&self, stored: Arc<Stored>, password: Secret, within: Duration) -> Result<Verdict, PoolError> {
        let (format, kib) = (stored.format(), stored.recipe().memory_kib());
        let work = move |shared: &Shared, memory: &mut Memory| {
            let begun = shared.clock.now();
            let matches = shared.hasher.verify(&stored, password.expose(), memory)?;
            let took = Duration::from_micros(shared.clock.now().since_us(begun));
            // What is too long is not computed at all, and must not lower the floor.
            if password.expose().len() <= MAX_BYTES {
                shared.floor.record(&stored, took);
            }
            Ok(Verdict { matches, upgrade_due: matches && shared.hasher.needs_upgrade(&stored), took })
        };
        self.submit(format, kib, within, work).await
    }

    /// Says which stored passwords users have, as [`Floor::present`] does, and measures each example once, so that the floor holds before
    /// the first login. Each begins `within` this time. At most 128 examples are measured.
    ///
    /// # Errors
    /// The pool is busy, or a pepper is missing.
    pub async fn present(&self, examples: &[(Stored, u64)], within: Duration) -> Result<(), PoolError> {
        self.shared.floor.present(examples);
        for (stored, _) in examples.iter().take(MOST_EXAMPLES) {
            self.verify(Arc::new(stored.decoy()), Secret::from("nobody's password".to_owned()), within).await?;
        }
        Ok(())
    }

    /// For a user that does not exist: as much work as for most who do, and no password matches.
    ///
    /// # Errors
    /// The pool is busy.
    pub async fn verify_nobody(&self, password: Secret, within: Duration) -> Result<Verdict, PoolError> {
        let decoy = match self.shared.floor.decoy() {
            Some(decoy) => decoy,
            None => Arc::new(self.shared.hasher.decoy()?),
        };
        self.verify(decoy, password, within).await
    }

    /// For imports: plaintext and fast hashes beneath a hash of today; nothing for what is slow enough.
    ///
    /// # Errors
    /// The pool is busy, or the plaintext is too long.
    pub async fn wrap(&self, stored: Arc<Stored>, within: Duration) -> Result<Option<String>, PoolError> {
        let kib = u64::from(self.shared.hasher.cost().memory_kib());
        let work = move |shared: &Shared, memory: &mut Memory| shared.hasher.wrap(&stored, memory);
        self.submit(Format::Wrapped, kib, within, work).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        format: Format,
        memory_kib: u64,
        within: Duration,
        work: impl FnOnce(&Shared, &mut Memory) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let shared = &self.shared;
        let (answer, mut answered) = oneshot::channel();
        let claim = Arc::new(Claim::new());
        let begins_by_us =
            shared.clock.monotonic_us().saturating_add(u64::try_from(within.as_micros()).unwrap_or(u64::MAX));
        let large = memory_kib > FREE_MEMORY_KIB.max(u64::from(shared.hasher.cost().memory_kib()));
        let run = Box::new(move |shared: &Shared, memory: &mut Memory| -> Deliver {
            let result = work(shared, memory);
            // Who has left meanwhile needs no answer.
            Box::new(move || drop(answer.send(result)))
        });
        shared.admit(Job { run, format, large, begins_by_us, claim: Arc::clone(&claim) }, within)?;
        let waiting = claim.give_up_on_drop();
        let answer = match timeout(within, &mut answered).await {
            Ok(answer) => answer,
            Err(_) if waiting.give_up() => return Err(shared.busy(Refused::Late)),
            // It has begun, and all that is computed ends.
            Err(_) => answered.await,
        };
        match answer {
            Ok(result) => Ok(result?),
            Err(_) if claim.late() => Err(shared.busy(Refused::Late)),
            Err(_) if claim.begun() => Err(PoolError::Panicked),
            Err(_) => Err(PoolError::Stopped),
        }
    }
}

impl Shared {
    /// Puts a job in the queue, or says at once that it would not begin in time.
    fn admit(&self, job: Job, within: Duration) -> Result<(), PoolError> {
        let in_time = |shared: &Self| u128::from(shared.wait_us()) <= within.as_micros();
        if !in_time(self) {
            self.forget_given_up();
            if !in_time(self) {
                return Err(self.busy(Refused::Late));
            }
        }
        // Counted first, so that a thread that takes the job at once does not count below zero.
        self.watch.waiting(1);
        let Err((job, mut rejected)) = self.queue.offer(job) else { return Ok(()) };
        if rejected == Rejected::Full && self.forget_given_up() > 0 {
            match self.queue.offer(job) {
                Ok(()) => return Ok(()),
                Err((_, again)) => rejected = again,
            }
        }
        self.watch.waiting(-1);
        match rejected {
            Rejected::Full => Err(self.busy(Refused::Full)),
            Rejected::Closed => Err(PoolError::Stopped),
        }
    }

    /// Drops the jobs whose callers are gone; says how many there were.
    fn forget_given_up(&self) -> usize {
        let count = self.queue.take(|job| job.claim.given_up()).len();
        self.watch.dropped(count);
        count
    }

    fn busy(&self, why: Refused) -> PoolError {
        self.watch.refused(why);
        let (least, most) = RETRY_US;
        let seconds = self.wait_us().clamp(least, most).div_ceil(1_000_000);
        PoolError::Busy { retry_after: Duration::from_secs(seconds) }
    }

    /// How long a job would wait that comes last.
    fn wait_us(&self) -> u64 {
        (self.queue.len() as u64).saturating_mul(self.watch.mean_us()) / self.threads
    }
}

/// Callers that still wait are told that the pool has stopped. Waits for the hashes that are being computed.
impl Drop for HashingPool {
    fn drop(&mut self) {
        let left = self.shared.queue.end().len();
        self.shared.watch.dropped(left);
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that hashes passwords panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests;
