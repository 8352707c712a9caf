//! The embedded engine: SQLite in one file, one thread that writes, several that read.

mod beside;
mod checkpoint;
mod fault;
mod file;
mod peek;
mod profile;
mod reader;
mod session;
mod stage;
mod writer;

use std::{fs::File, path::Path, sync::Arc};

use rusqlite::Connection;

use self::{checkpoint::Checkpoints, reader::Readers, writer::Writer};
pub(crate) use self::{
    fault::from_sqlite as fault,
    file::{Ownership, beside},
    peek::peek,
};
use crate::{
    OpenError, StoreError,
    backup::{Capture, Capturing, Notes},
    expiry,
    lanes::Lanes,
    loose::Loose,
    queue::Queue,
    threads::Threads,
    watch::Watch,
    work::Job,
};

/// The oldest SQLite without the fault that could damage a database when two connections wrote and checkpointed at once.
const OLDEST: i32 = 3_051_003;

/// An open database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    threads: Threads,
    /// Closed when the thread that looks at the time shall end; nothing is ever put into it.
    bell: Arc<Queue<Job>>,
    /// For copies. Invariant: it is closed after all connections, because closing any descriptor of a file lets go of all locks that the
    /// process has on it (fcntl(2)), SQLite's own among them.
    file: Option<Arc<File>>,
    ownership: Ownership,
}

impl Sqlite {
    /// Opens the file and starts the threads.
    pub(crate) fn open(
        path: &Path,
        readers: usize,
        capture: Option<Capturing>,
        lanes: &Lanes,
        loose: &Arc<Loose>,
        watch: &Arc<Watch>,
    ) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST {
            return Err(OpenError::Version(rusqlite::version().to_owned()));
        }
        let ownership = Ownership::take(path)?;
        let failed = |what| move |source| OpenError::Database { what, source };
        let (mut connection, deadline) = profile::open_writer(path, watch).map_err(failed("opening the database"))?;
        intact(&connection).map_err(failed("looking at the database"))?;
        let file = match &capture {
            Some((_, shared)) => {
                let file = File::open(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
                let file = Arc::new(file);
                shared.opened(Arc::downgrade(&file));
                Some(file)
            }
            None => None,
        };
        let notes = capture.as_ref().map(|_| Arc::new(Notes::new(watch.clock())));
        let checkpoints =
            Checkpoints::watch(&mut connection, path, notes.clone()).map_err(failed("watching the database's log"))?;
        let capture = capture
            .zip(notes)
            .map(|((options, shared), notes)| Capture::start(options, path, notes, shared, watch.clock()));

        let mut threads = Threads::default();
        let writer = Writer {
            connection,
            deadline,
            queue: Arc::clone(&lanes.write),
            loose: Arc::clone(loose),
            watch: Arc::clone(watch),
            checkpoints,
            path: path.to_owned(),
            capture,
            last_group: 0,
        };
        threads.start("store-writer", move || writer.serve())?;
        let connections = Arc::new(Readers::new(path, watch));
        for place in 0..=readers {
            // The last one reads for the background, so that an export keeps nobody from signing in.
            let queue = if place < readers { &lanes.interactive } else { &lanes.background };
            let (connections, queue) = (Arc::clone(&connections), Arc::clone(queue));
            threads.start("store-reader", move || connections.serve(&queue))?;
        }
        let bell = Arc::new(Queue::new(0));
        let (rung, ours, watching) = (Arc::clone(&bell), lanes.clone(), Arc::clone(watch));
        threads.start("store-expiry", move || expiry::serve(&ours, &watching, &rung))?;
        Ok(Self { threads, bell, file, ownership })
    }

    /// Waits until the threads have ended, whose queues have to be closed, and lets others have the file.
    pub(crate) fn join(mut self) {
        self.bell.close();
        self.threads.join();
        drop(self.file);
        drop(self.ownership);
    }
}

/// Reads the schema, which fails when the file is no database or its head is damaged.
fn intact(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(fault::from_sqlite)
}
