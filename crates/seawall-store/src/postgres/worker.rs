//! A thread with one connection: it runs one transaction after the other.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Runtime;

use super::{
    connection::{Connection, pause},
    connector::{Connector, Refusal},
    outage::{Advice, Outage},
    session::{Again, Limit, PostgresSession},
};
use crate::{
    ReadTx, StoreError, Tx,
    effects::Effects,
    queue::{Popped, Queue, Rejected},
    watch::{Outcome, Watch},
    work::{Ending, Intent, Job},
};

/// How often a transaction is run while others change the same rows.
const RUNS: u32 = 3;

/// How long it waits before it is run again, for each run so far, less up to a half by chance.
const APART: Duration = Duration::from_millis(20);

/// How long a replica may take to be reached, before the primary is asked instead.
const REACH: Duration = Duration::from_secs(1);

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Worker {
    runtime: Runtime,
    connector: Arc<Connector>,
    outage: Arc<Outage>,
    watch: Arc<Watch>,
    connection: Option<Connection>,
}

/// How one run of a transaction ended.
struct Run {
    ran: Result<Ending, StoreError>,
    effects: Effects,
    again: Option<Again>,
}

/// How often a transaction was run, and why.
#[derive(Default)]
struct Runs {
    contended: u32,
    lost: bool,
    stale: bool,
}

impl Worker {
    /// A thread that has no connection yet.
    pub(super) const fn new(
        runtime: Runtime,
        connector: Arc<Connector>,
        outage: Arc<Outage>,
        watch: Arc<Watch>,
    ) -> Self {
        Self { runtime, connector, outage, watch, connection: None }
    }

    /// Opens the connection before it is needed.
    pub(super) fn connect(&mut self, within: Duration) -> Result<(), Refusal> {
        self.connection = Some(self.runtime.block_on(self.connector.connect(within))?);
        Ok(())
    }

    /// Runs transactions until the queue is closed and empty.
    pub(super) fn serve(mut self, queue: &Queue<Job>) {
        while let Popped::Item(job) = queue.pop(None) {
            self.run(job);
        }
        self.close();
    }

    /// Runs transactions on a replica until the queue is closed and empty; while it does not answer they go to the `primary`'s queue.
    pub(super) fn serve_or_hand_on(mut self, queue: &Queue<Job>, primary: &Queue<Job>) {
        while let Popped::Item(job) = queue.pop(None) {
            if self.reached() {
                self.run(job);
            } else if let Err((mut job, rejected)) = primary.offer(job) {
                job.work.answer(Err(match rejected {
                    Rejected::Full => StoreError::Busy { waiting: primary.len() },
                    Rejected::Closed => StoreError::Closed,
                }));
            }
        }
        self.close();
    }

    /// Whether there is a connection, or one can be opened at once.
    fn reached(&mut self) -> bool {
        if self.connection.as_ref().is_some_and(|connection| !connection.lost()) {
            return true;
        }
        self.connection = None;
        if self.outage.advice(self.watch.now().monotonic_us) != Advice::Try {
            return false;
        }
        match self.connect(REACH) {
            Ok(()) => self.outage.over(),
            Err(refusal) => drop(self.missed(&refusal)),
        }
        self.connection.is_some()
    }

    /// Takes leave of the server.
    pub(super) fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close(&self.runtime);
        }
        // A name that is being looked up is nobody's any more.
        self.runtime.shutdown_background();
    }

    /// Runs a transaction and answers it.
    pub(super) fn run(&mut self, mut job: Job) {
        let (ran, effects) = self.run_until_settled(&mut job);
        let counted = match ran {
            Ok(Ending::Keep) => Outcome::Kept,
            Ok(Ending::Undo) => Outcome::Undone,
            Err(_) => Outcome::Failed,
        };
        self.watch.transaction(job.intent, job.asked_us, counted);
        if counted == Outcome::Kept || matches!(ran, Err(StoreError::OutcomeUnknown(_))) {
            effects.happen(&self.watch);
        }
        job.work.answer(ran.map(drop));
    }

    fn run_until_settled(&mut self, job: &mut Job) -> (Result<Ending, StoreError>, Effects) {
        let mut runs = Runs::default();
        loop {
            if let Err(failure) = self.connected(job) {
                return (Err(failure), Effects::default());
            }
            let Run { ran, effects, again } = self.run_once(job, runs.contended + 1);
            if !again.is_some_and(|again| runs.another(again)) {
                return (ran, effects);
            }
            self.watch.retry();
            if runs.contended > 0 {
                pause(&self.runtime, APART.mul_f64(f64::from(runs.contended) * (1.0 - fastrand::f64() / 2.0)));
            }
        }
    }

    /// Sees to it that there is a connection.
    fn connected(&mut self, job: &Job) -> Result<(), StoreError> {
        if self.connection.as_ref().is_some_and(|connection| !connection.lost()) {
            return Ok(());
        }
        self.connection = None;
        let mut failure = None;
        loop {
            let now_us = self.watch.now().monotonic_us;
            let left = Duration::from_micros(job.deadline_us.saturating_sub(now_us));
            if left.is_zero() {
                return Err(failure.unwrap_or_else(|| job.timed_out()));
            }
            match self.outage.advice(now_us) {
                Advice::Try => match self.connect(left) {
                    Ok(()) => {
                        self.outage.over();
                        return Ok(());
                    }
                    Err(refusal) => failure = Some(self.missed(&refusal)),
                },
                Advice::Wait(wait_us) => pause(&self.runtime, left.min(Duration::from_micros(wait_us))),
                Advice::GiveUp(failure) => return Err(failure),
            }
        }
    }

    /// Tells the other threads that no connection could be opened.
    fn missed(&self, refusal: &Refusal) -> StoreError {
        let failure = refusal.failure();
        tracing::warn!(error = %failure, "PostgreSQL cannot be reached");
        let now_us = self.watch.now().monotonic_us;
        self.outage.failed(now_us, failure.clone(), refusal.lasting, fastrand::f64());
        failure
    }

    fn run_once(&mut self, job: &mut Job, run: u32) -> Run {
        let mut effects = Effects::default();
        let now = self.watch.now();
        let failed = |failure, again| Run { ran: Err(failure), effects: Effects::default(), again };
        if now.monotonic_us >= job.deadline_us {
            return failed(job.timed_out(), None);
        }
        let Some(connection) = self.connection.as_mut() else {
            return failed(StoreError::Unavailable("there is no connection".to_owned()), None);
        };
        let limit = Limit { limit_us: job.limit_us, deadline_us: job.deadline_us, run };
        let mut session = PostgresSession::new(&self.runtime, connection, &self.watch, limit);
        if let Err(failure) = session.begin(job.intent) {
            session.roll_back();
            return failed(failure, session.again());
        }
        let cause = job.cause.clone();
        let ran = job.run(&mut Tx::new(ReadTx::new(&mut session, &self.watch), &cause, &mut effects, now));
        if job.intent == Intent::Read || !matches!(ran, Ok(Ending::Keep)) {
            session.roll_back();
            // What nobody asked the server about is not worth another run.
            return Run { ran, effects, again: session.again() };
        }
        let begun = self.watch.now();
        match session.commit() {
            Ok(()) => {
                self.watch.commit(begun, 1);
                Run { ran, effects, again: None }
            }
            Err(failure) => {
                session.roll_back();
                let again = session.again();
                Run { ran: Err(failure), effects: effects.without_commit(), again }
            }
        }
    }
}

impl Runs {
    /// Whether the transaction is run again for this reason; counts it.
    const fn another(&mut self, again: Again) -> bool {
        match again {
            Again::Contended => {
                self.contended += 1;
                self.contended < RUNS
            }
            // Nothing was kept, and the next connection is a new one.
            Again::Lost => !std::mem::replace(&mut self.lost, true),
            Again::Stale => !std::mem::replace(&mut self.stale, true),
        }
    }
}
