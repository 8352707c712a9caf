//! One connection, driven by the thread that owns it while it waits for an answer.

use std::{cell::Cell, future::Future, pin::pin, time::Duration};

use tokio::{
    runtime::Runtime,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{Client, Error};

use super::{fault::Fault, statements::Statements, tls::Tls};

/// How long a connection may take to say farewell.
const FAREWELL: Duration = Duration::from_millis(200);

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until the server is asked to stop.
    pub(super) answer: Duration,
    /// From then on, until the connection is given up.
    pub(super) stopping: Duration,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) statements: Statements,
    driver: JoinHandle<()>,
    tls: Tls,
    /// Whether it is of no more use.
    lost: Cell<bool>,
}

impl Connection {
    pub(super) fn new(client: Client, driver: JoinHandle<()>, tls: Tls) -> Self {
        Self { client, statements: Statements::default(), driver, tls, lost: Cell::new(false) }
    }

    /// Waits for an answer. Beyond the patience the server is asked to stop; when it says nothing to that either, the connection
    /// is given up.
    pub(super) fn wait<T>(
        &self,
        runtime: &Runtime,
        patience: Patience,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        let answered = runtime.block_on(async {
            let mut answer = pin!(answer);
            if let Ok(answered) = timeout(patience.answer, answer.as_mut()).await {
                return Some(answered);
            }
            let stop = self.client.cancel_token();
            let stopped = async {
                // It is answered by the statement's failure, or not at all.
                drop(stop.cancel_query(self.tls.clone()).await);
                answer.await
            };
            timeout(patience.stopping, stopped).await.ok()
        });
        let outcome = answered.map_or(Err(Fault::Silent), |answer| answer.map_err(Fault::from));
        if let Err(fault) = &outcome {
            self.note(fault);
        }
        outcome
    }

    /// Takes note of a fault that came in the midst of an answer.
    pub(super) fn note(&self, fault: &Fault) {
        if matches!(fault, Fault::Lost(_) | Fault::Silent) {
            self.give_up();
        }
    }

    /// Lets nobody use it any more.
    pub(super) fn give_up(&self) {
        self.lost.set(true);
    }

    /// Whether it is of no more use.
    pub(super) fn lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }

    /// Takes leave of the server.
    pub(super) fn close(self, runtime: &Runtime) {
        let Self { client, statements, driver, .. } = self;
        drop((client, statements));
        // The server notices by itself when this does not reach it.
        drop(runtime.block_on(async { timeout(FAREWELL, driver).await }));
    }
}

/// Lets time pass on a thread of the store.
pub(super) fn pause(runtime: &Runtime, length: Duration) {
    runtime.block_on(async { sleep(length).await });
}
