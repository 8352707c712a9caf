//! The engine for PostgreSQL: threads with a connection each.
//!
//! All but three of the connections take what is written and what people read from one queue; two read for the background, and one
//! writes what is loose. A connection is opened when it is first needed, and again when it was lost.

mod address;
mod connection;
mod connector;
mod fault;
mod foreign;
mod notices;
mod outage;
mod ping;
mod scribe;
mod session;
mod statements;
mod tls;
mod value;
mod worker;

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::runtime;

pub use self::address::PostgresUrl;
pub(crate) use self::foreign::ForeignConnection;
pub(crate) use self::notices::{Notices, Notifier};
pub(crate) use self::ping::ping;
use self::{connector::Connector, outage::Outage, scribe::Scribe, worker::Worker};
use crate::{
    OpenError, Options, expiry, lanes::Lanes, loose::Loose, queue::Queue, threads::Threads, watch::Watch, work::Job,
};

/// How long the first connection may take, which shows whether the server can be used at all.
const FIRST: Duration = Duration::from_secs(5);

/// Connections for reads of the background: an export and a verification at once.
const BACKGROUND: usize = 2;

/// Connections to a replica, besides the others.
const REPLICA: usize = 2;

/// An open database.
#[derive(Debug)]
pub(crate) struct Postgres {
    threads: Threads,
    /// Closed when the threads that look at the time shall end.
    bell: Arc<Queue<Job>>,
}

/// What all threads share.
#[derive(Clone)]
struct Common {
    connector: Arc<Connector>,
    outage: Arc<Outage>,
    watch: Arc<Watch>,
}

impl Postgres {
    /// Opens one connection to see that the server can be used, and starts the threads.
    pub(crate) fn open(
        url: &PostgresUrl,
        options: &Options,
        lanes: &Lanes,
        loose: &Arc<Loose>,
        watch: &Arc<Watch>,
    ) -> Result<Self, OpenError> {
        let connector = Arc::new(Connector::new(url)?);
        let common = Common { connector, outage: Arc::default(), watch: Arc::clone(watch) };
        let mut opened = Self { threads: Threads::default(), bell: Arc::new(Queue::new(0)) };
        let connections = options.connections;
        let background = if connections > BACKGROUND * 2 { BACKGROUND } else { 1 };
        let foreground = connections.saturating_sub(background + 1).max(1);
        for place in 0..foreground {
            let queue = Arc::clone(&lanes.write);
            let first = if place == 0 { Some(FIRST) } else { None };
            start(&mut opened.threads, "store-worker", &common, first, move |worker| worker.serve(&queue))?;
        }
        for _ in 0..background {
            let queue = Arc::clone(&lanes.background);
            start(&mut opened.threads, "store-background", &common, None, move |worker| worker.serve(&queue))?;
        }
        if let Some(replica) = &options.replica {
            let connector = Arc::new(Connector::new(replica)?);
            let apart = Common { connector, outage: Arc::default(), watch: Arc::clone(watch) };
            for _ in 0..REPLICA {
                let (queue, primary) = (Arc::clone(&lanes.replica), Arc::clone(&lanes.background));
                start(&mut opened.threads, "store-replica", &apart, None, move |worker| {
                    worker.serve_or_hand_on(&queue, &primary);
                })?;
            }
        }
        let (bell, ours, watching) = (Arc::clone(&opened.bell), lanes.clone(), Arc::clone(watch));
        opened.threads.start("store-expiry", move || expiry::serve(&ours, &watching, &bell))?;
        let (bell, loose, watch) = (Arc::clone(&opened.bell), Arc::clone(loose), Arc::clone(watch));
        start(&mut opened.threads, "store-loose", &common, None, move |worker| {
            Scribe { worker, loose, watch }.serve(&bell);
        })?;
        Ok(opened)
    }

    /// Waits until the threads have ended; their queues have to be closed.
    pub(crate) fn join(&mut self) {
        self.bell.close();
        self.threads.join();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Also when another thread could not be started.
        self.bell.close();
    }
}

/// Starts a thread, and waits until it has what it needs: with `first`, also its connection.
fn start(
    threads: &mut Threads,
    name: &str,
    common: &Common,
    first: Option<Duration>,
    serve: impl FnOnce(Worker) + Send + 'static,
) -> Result<(), OpenError> {
    let (ready, told) = mpsc::channel();
    let Common { connector, outage, watch } = common.clone();
    threads.start(name, move || {
        // Built here, as a runtime must not be dropped on another runtime's thread, from which the store may be opened.
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(OpenError::Thread(error)))),
        };
        let mut worker = Worker::new(runtime, connector, outage, watch);
        let connected = first.map_or(Ok(()), |within| worker.connect(within).map_err(|refusal| refusal.error));
        let usable = connected.is_ok();
        drop(ready.send(connected));
        if usable {
            serve(worker);
        }
    })?;
    let ended = |_| OpenError::Thread(std::io::Error::other("it ended at once"));
    told.recv().map_err(ended)?
}
