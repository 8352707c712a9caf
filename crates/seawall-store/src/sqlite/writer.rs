//! The thread that writes: it gathers the transactions that wait into one group, each in a savepoint, and commits them together,
//! so that they share one flush of the disk.
//!
//! Nobody is answered before the commit, not even who changed nothing: what a transaction saw may have been written by another of
//! its group. When the group fails as a whole, its members run again, one by one.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rusqlite::Connection;

use super::{
    checkpoint::Checkpoints,
    fault,
    profile::{self, Deadline},
    session::SqliteSession,
    stage::Stage,
};
use crate::{
    ReadTx, StoreError, Tx, audit,
    backup::Capture,
    effects::Effects,
    loose::Loose,
    queue::{Popped, Queue},
    watch::{Outcome, Watch},
    work::{Ending, Intent, Job},
};

/// Transactions in one group.
const MOST: usize = 256;

/// How long a group may gather, in microseconds: whoever came first waits for the others no longer than this.
const GATHERING_US: u64 = 4_000;

/// How long a group is kept open for the next of those whom the last one answered.
const COMPANY: Duration = Duration::from_micros(200);

/// How long loose writes wait for a group to join, before they get one of their own.
const LOOSE: Duration = Duration::from_millis(500);

/// How often in a row the thread finds nothing to do, each time it tidies up.
const IDLE: u32 = 10;

/// After so many groups in a row the start is over, even if nobody paused.
const STARTING: u32 = 1_000;

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) deadline: Deadline,
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) loose: Arc<Loose>,
    pub(super) watch: Arc<Watch>,
    pub(super) checkpoints: Checkpoints,
    pub(super) path: PathBuf,
    pub(super) capture: Option<Capture>,
    /// How many transactions the last group had.
    pub(super) last_group: usize,
}

/// A transaction that has run and waits for the group's commit.
struct Member {
    job: Job,
    ran: Result<Ending, StoreError>,
    effects: Effects,
}

/// The group was rolled back by the engine; nothing of it is kept.
struct GroupLost;

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(super) fn serve(mut self) {
        let (mut quiet, mut starting) = (0, STARTING);
        loop {
            // Loose writes wake nobody, so they are looked for this often; what is to be captured may be due earlier.
            let captured = self.capture.as_ref().and_then(Capture::patience).filter(|&patience| patience < LOOSE);
            match self.queue.pop(Some(captured.unwrap_or(LOOSE))) {
                Popped::Item(job) => {
                    quiet = 0;
                    self.start(&mut starting, 1);
                    self.group(job);
                }
                Popped::Nothing if captured.is_some() => {}
                Popped::Nothing if !self.loose.is_empty() => self.loose_alone(),
                Popped::Nothing => {
                    quiet += 1;
                    self.start(&mut starting, STARTING);
                    if quiet == IDLE {
                        self.give_back();
                    }
                    // Again and again: a reader, or a checkpoint beside this thread, may have been in the way.
                    if quiet % IDLE == 0 {
                        self.checkpoints.idle(&self.connection, self.capture.as_mut());
                    }
                }
                Popped::Closed => break,
            }
            self.checkpoints.after_group(&self.connection, self.capture.as_mut());
            if self.capture.as_ref().is_some_and(Capture::begins_soon) {
                self.checkpoints.idle(&self.connection, self.capture.as_mut());
            }
            if let Some(capture) = &mut self.capture {
                if capture.settles_soon() && self.checkpoints.settle(&self.connection, capture) {
                    capture.settled();
                }
                capture.tick();
            }
        }
        self.checkpoints.alone(self.capture.as_mut());
        if !self.loose.is_empty() {
            self.loose_alone();
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA optimize") {
            tracing::debug!(%error, "the statistics for queries were not brought up to date");
        }
        // Last: whoever closes the file last empties the log too, and what is in it then would be captured by nobody.
        self.checkpoints.idle(&self.connection, self.capture.as_mut());
    }

    /// Counts down to the end of the start, from which on more pages are kept.
    fn start(&self, left: &mut u32, groups: u32) {
        if *left == 0 {
            return;
        }
        *left = left.saturating_sub(groups);
        if *left == 0
            && let Err(error) = profile::started(&self.connection)
        {
            tracing::debug!(%error, "the database keeps as few pages in memory as at the start");
        }
    }

    /// Gives the memory back that keeps pages which nobody may need for long: after a migration, or a burst.
    fn give_back(&self) {
        if let Err(error) = self.connection.execute_batch("PRAGMA shrink_memory") {
            tracing::debug!(%error, "the memory of cached pages was not given back");
        }
    }

    /// Runs a transaction and those that wait behind it as one group.
    fn group(&mut self, first: Job) {
        // Whoever waited too long is not worth waiting for the lock.
        if self.watch.now().monotonic_us >= first.deadline_us {
            let ran = Err(first.timed_out());
            self.answer(Member { job: first, ran, effects: Effects::default() });
            return;
        }
        self.checkpoints.before_group(self.capture.as_mut());
        let members = self.gather(first);
        self.last_group = members.len();
        if members.is_empty() {
            return;
        }
        if self.connection.is_autocommit() {
            return self.one_by_one(members);
        }
        let audited = members.iter().any(|member| member.effects.audited);
        match self.commit(members.len(), audited) {
            Ok(()) => members.into_iter().for_each(|member| self.answer(member)),
            Err(GroupLost) => self.one_by_one(members),
        }
    }

    /// Begins a group and runs transactions, each in its savepoint, until none waits, there is no more room, or the engine has thrown
    /// all away. No members: it could not begin, and who came first knows.
    fn gather(&self, first: Job) -> Vec<Member> {
        let mut stage = match self.begin() {
            Ok(stage) => stage,
            Err(failure) => {
                self.answer(Member { job: first, ran: Err(failure), effects: Effects::default() });
                return Vec::new();
            }
        };
        let begun = self.watch.now();
        let mut members = Vec::with_capacity(self.last_group);
        let mut next = Some(first);
        while let Some(mut job) = next {
            let (ran, effects) = self.run(&mut job, &mut stage);
            members.push(Member { job, ran, effects });
            let room = members.len() < MOST
                && !self.connection.is_autocommit()
                && self.watch.now().since_us(begun) < GATHERING_US;
            next = if room { self.next_member(members.len()) } else { None };
        }
        members
    }

    /// The next transaction that waits. Those whom the last group answered are on their way back with another: while half of them are
    /// missing, the group is kept open for them a moment. A caller alone waits for nobody.
    fn next_member(&self, members: usize) -> Option<Job> {
        if let Some(job) = self.queue.try_pop() {
            return Some(job);
        }
        if members * 2 >= self.last_group {
            return None;
        }
        match self.queue.pop(Some(COMPANY)) {
            Popped::Item(job) => Some(job),
            Popped::Nothing | Popped::Closed => None,
        }
    }

    /// Runs each transaction of a failed group in one of its own, so that one that cannot be kept takes no other with it.
    fn one_by_one(&mut self, members: Vec<Member>) {
        for Member { mut job, ran, effects } in members {
            // Its own fault, or its time is over: another run would end alike, and throw the engine's transaction away again.
            if let Err(failure @ (StoreError::TimedOut { .. } | StoreError::Panicked(_))) = ran {
                self.answer(Member { job, ran: Err(failure), effects });
                continue;
            }
            self.watch.retry();
            self.checkpoints.before_group(self.capture.as_mut());
            let (ran, effects) = self.alone(&mut job);
            self.answer(Member { job, ran, effects });
        }
    }

    /// Runs a transaction with a commit of its own.
    fn alone(&self, job: &mut Job) -> (Result<Ending, StoreError>, Effects) {
        let (ran, effects) = match self.begin() {
            Ok(mut stage) => self.run(job, &mut stage),
            Err(failure) => return (Err(failure), Effects::default()),
        };
        if self.connection.is_autocommit() {
            // What wanted to be undone has been; its own answer says why.
            let kept_nothing = || StoreError::Unavailable("the engine rolled it back".to_owned());
            let ran = if matches!(ran, Ok(Ending::Keep)) { Err(kept_nothing()) } else { ran };
            return (ran, Effects::default());
        }
        let begun = self.watch.now();
        let sealed = if effects.audited { self.seal() } else { Ok(()) };
        match sealed.and_then(|()| self.connection.execute_batch("COMMIT").map_err(fault::from_sqlite)) {
            Ok(()) => {
                self.watch.commit(begun, 1);
                (ran, effects)
            }
            Err(failure) => {
                self.roll_back();
                (Err(failure), effects)
            }
        }
    }

    /// Runs a transaction in a savepoint of the open group.
    fn run(&self, job: &mut Job, stage: &mut Stage<'_>) -> (Result<Ending, StoreError>, Effects) {
        let mut effects = Effects::default();
        let now = self.watch.now();
        if now.monotonic_us >= job.deadline_us {
            return (Err(job.timed_out()), effects);
        }
        let cause = job.cause.clone();
        if let Err(failure) = stage.begin() {
            return (Err(failure), effects);
        }
        let mut session = SqliteSession::new(&self.connection, job.limit_us / 1_000);
        self.deadline.set(job.deadline_us);
        let ran = job.run(&mut Tx::new(ReadTx::new(&mut session, &self.watch), &cause, &mut effects, now));
        self.deadline.clear();
        if self.connection.is_autocommit() {
            return (ran, Effects::default());
        }
        let kept = matches!(ran, Ok(Ending::Keep));
        match stage.end(kept) {
            Ok(()) if kept => (ran, effects),
            Ok(()) => (ran, Effects::default()),
            Err(failure) => (Err(failure), Effects::default()),
        }
    }

    fn begin(&self) -> Result<Stage<'_>, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(fault::from_sqlite)?;
        Stage::on(&self.connection).inspect_err(|_| self.roll_back())
    }

    fn commit(&self, transactions: usize, audited: bool) -> Result<(), GroupLost> {
        let begun = self.watch.now();
        let loose = self.loose.take();
        self.write_loose(&loose);
        let sealed = if audited { self.seal() } else { Ok(()) };
        match sealed.and_then(|()| self.connection.execute_batch("COMMIT").map_err(fault::from_sqlite)) {
            Ok(()) => {
                self.watch.commit(begun, transactions);
                Ok(())
            }
            Err(error) => {
                let file = self.path.display();
                tracing::warn!(%error, %file, transactions, "a group was not committed; each runs alone now");
                self.loose.give_back(loose);
                self.roll_back();
                Err(GroupLost)
            }
        }
    }

    /// Gives the group's entries in the audit log their places in the chain.
    fn seal(&self) -> Result<(), StoreError> {
        let mut session = SqliteSession::new(&self.connection, 0);
        while audit::seal(&mut session)? > 0 {}
        Ok(())
    }

    /// Adds loose writes to the group. One that fails is dropped: it must not keep others from being committed.
    fn write_loose(&self, loose: &[crate::loose::Pending]) {
        let mut session = SqliteSession::new(&self.connection, 0);
        for pending in loose {
            // The engine threw the group away: what came now would be kept by itself, and written twice.
            if self.connection.is_autocommit() {
                return;
            }
            match pending.write(&mut session) {
                Ok(()) => self.watch.loose.written.increment(),
                Err(error) => {
                    self.watch.loose.dropped.increment();
                    tracing::error!(%error, "a loose write failed and was dropped");
                }
            }
        }
    }

    /// Commits loose writes that found no group.
    fn loose_alone(&mut self) {
        self.checkpoints.before_group(self.capture.as_mut());
        match self.begin() {
            // On failure they were given back, and wait for the next try.
            Ok(_) => drop(self.commit(0, false)),
            Err(error) => tracing::warn!(%error, "loose writes have to wait"),
        }
    }

    fn roll_back(&self) {
        // A failed COMMIT may have ended the transaction already.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn answer(&self, member: Member) {
        let Member { mut job, ran, effects } = member;
        let counted = match ran {
            Ok(Ending::Keep) => Outcome::Kept,
            Ok(Ending::Undo) => Outcome::Undone,
            Err(_) => Outcome::Failed,
        };
        self.watch.transaction(Intent::Write, job.asked_us, counted);
        if counted == Outcome::Kept {
            effects.happen(&self.watch);
        }
        job.work.answer(ran.map(drop));
    }
}
