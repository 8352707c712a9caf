//! The store's own threads. They are no runtime's, so that nothing foreign can be waited for inside a transaction.

use std::thread::{self, JoinHandle};

use crate::OpenError;

/// Threads that end when their queues are closed.
#[derive(Debug, Default)]
pub(crate) struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    /// Starts one.
    pub(crate) fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run).map_err(OpenError::Thread)?;
        self.0.push(thread);
        Ok(())
    }

    /// Waits until all have ended.
    pub(crate) fn join(&mut self) {
        // A transaction may hold the last handle to its own store.
        let own = thread::current().id();
        for thread in self.0.drain(..).filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}
