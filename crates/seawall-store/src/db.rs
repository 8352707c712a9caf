//! The façade: one handle to whichever engine holds the data.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{oneshot, watch};

use crate::{
    Cause, DatabaseUrl, Lane, LooseWrite, OpenError, PostgresUrl, ReadTx, StoreError, Surroundings, Tx,
    backup::{CaptureOptions, CaptureStatus, Capturing},
    engine::Engine,
    lanes::Lanes,
    loose::Loose,
    queue::{Queue, Rejected},
    watch::Watch,
    work::{Intent, Job, Task},
};

/// What transactions may take unless told otherwise, waiting included.
const READ: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);
const BACKGROUND: Duration = Duration::from_secs(60);

/// A handle to the database; cheap to clone.
///
/// A transaction is a closure that runs on a thread of the store. It may run more than once — its group failed, others changed the
/// same rows — so all that it does goes through the transaction it is given. Waiting for the answer may be given up: the
/// transaction is run to its end nevertheless.
#[derive(Clone, Debug)]
pub struct Db {
    shared: Arc<Shared>,
    limit: Option<Duration>,
}

#[derive(Debug)]
struct Shared {
    url: DatabaseUrl,
    options: Options,
    lanes: Lanes,
    loose: Arc<Loose>,
    watch: Arc<Watch>,
    /// Nothing while it is closed.
    engine: Mutex<Option<Engine>>,
    capturing: Option<Capturing>,
}

impl Db {
    /// Opens the database at `url`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(url: &DatabaseUrl, options: &Options, surroundings: &Surroundings<'_>) -> Result<Self, OpenError> {
        let watch =
            Arc::new(Watch::new(Arc::clone(&surroundings.clock), surroundings.meter, options.slow_statement_us));
        let lanes = match url {
            DatabaseUrl::Sqlite(_) => Lanes::apart(options.most_waiting),
            DatabaseUrl::Postgres(_) => Lanes::shared(options.most_waiting, options.replica.is_some()),
        };
        let shared = Shared {
            url: url.clone(),
            options: options.clone(),
            lanes,
            loose: Arc::new(Loose::new(Arc::clone(&watch))),
            watch,
            engine: Mutex::new(None),
            capturing: options.capture.clone().map(|capture| (capture, Arc::default())),
        };
        shared.open()?;
        Ok(Self { shared: Arc::new(shared), limit: None })
    }

    /// The same database, whose transactions may take so long, waiting included.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), limit: Some(limit) }
    }

    /// Runs a transaction that only reads.
    ///
    /// # Errors
    /// What the closure answers, or a [`StoreError`] as its error.
    pub async fn read<T, E>(
        &self,
        lane: Lane,
        mut body: impl FnMut(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (queue, usual) = match lane {
            Lane::Interactive => (&self.shared.lanes.interactive, READ),
            Lane::Background => (&self.shared.lanes.background, BACKGROUND),
            Lane::Replica => (&self.shared.lanes.replica, BACKGROUND),
        };
        let (task, answer) = Task::new(move |tx: &mut Tx<'_>| body(tx));
        let job = self.job(Intent::Read, Cause::system("read"), usual, Box::new(task));
        wait(queue, job, answer).await
    }

    /// Runs a transaction that writes. What it answers is kept, on the disk, before it is answered here.
    ///
    /// # Errors
    /// What the closure answers, after which nothing is kept, or a [`StoreError`] as its error.
    pub async fn write<T, E>(
        &self,
        cause: &Cause,
        body: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (task, answer) = Task::new(body);
        let job = self.job(Intent::Write, cause.clone(), WRITE, Box::new(task));
        wait(&self.shared.lanes.write, job, answer).await
    }

    /// Writes a number to a row within a second, merged with others to the same row. A crash may lose it; nothing is waited for.
    pub fn loose(&self, write: LooseWrite, key: &str, number: i64) {
        self.shared.loose.add(write, key, number);
    }

    /// The file of an embedded database.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.shared.url {
            DatabaseUrl::Sqlite(path) => Some(path),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    /// How the capture of changes stands, when it is on.
    #[must_use]
    pub fn capture_status(&self) -> Option<CaptureStatus> {
        self.capturing().map(|(_, shared)| shared.status())
    }

    /// The capture of changes, when it is on.
    pub(crate) fn capturing(&self) -> Option<&Capturing> {
        self.shared.capturing.as_ref()
    }

    /// Changes whenever messages were written to the outbox.
    pub(crate) fn posted(&self) -> watch::Receiver<()> {
        self.shared.watch.posted.subscribe()
    }

    /// Runs what waits, writes what is loose, and gives the database back. Later transactions are answered
    /// [`StoreError::Closed`]. Blocks until that is done.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Opens the database again after it was closed; another process may have had it meanwhile.
    ///
    /// # Errors
    /// [`OpenError`], after which it is closed as before.
    pub fn reopen(&self) -> Result<(), OpenError> {
        self.shared.open()
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.shared.url
    }

    fn job(&self, intent: Intent, cause: Cause, usual: Duration, work: Box<dyn crate::work::Work>) -> Job {
        let limit = self.limit.unwrap_or(usual);
        let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let asked_us = self.shared.watch.now().monotonic_us;
        Job { intent, cause, limit_us, deadline_us: asked_us.saturating_add(limit_us), asked_us, work }
    }
}

impl Shared {
    fn open(&self) -> Result<(), OpenError> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if engine.is_none() {
            self.lanes.reopen();
            let opened =
                Engine::open(&self.url, &self.options, self.capturing.clone(), &self.lanes, &self.loose, &self.watch);
            // Threads that were started before another failed must not wait for ever.
            *engine = Some(opened.inspect_err(|_| self.lanes.refuse())?);
        }
        Ok(())
    }

    fn close(&self) {
        self.lanes.close();
        if let Some(engine) = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take() {
            engine.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

async fn wait<T, E>(queue: &Queue<Job>, job: Job, answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E>
where
    E: From<StoreError>,
{
    match queue.push(job) {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into())),
        Err(Rejected::Full) => Err(StoreError::Busy { waiting: queue.len() }.into()),
        Err(Rejected::Closed) => Err(StoreError::Closed.into()),
    }
}

/// How a database is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read for people from SQLite, besides the one for the background.
    pub readers: usize,
    /// Connections to PostgreSQL, those for the background and for loose writes included.
    pub connections: usize,
    /// A replica of the PostgreSQL database, for what bears to be a moment old.
    pub replica: Option<PostgresUrl>,
    /// Transactions that may wait in each lane.
    pub most_waiting: usize,
    /// From when on a statement is logged as slow, in microseconds.
    pub slow_statement_us: u64,
    /// Where changes are captured to for point-in-time recovery; SQLite only.
    pub capture: Option<CaptureOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 2,
            connections: 10,
            replica: None,
            most_waiting: 4_096,
            slow_statement_us: 250_000,
            capture: None,
        }
    }
}
