//! The tasks that keep everything backed up, while this process has the store.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use seawall_store::{Db, backup};
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::Backups;

/// How long the tasks may take to end; what they have begun is begun again later.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Begins the tasks, ends them, and begins them again after a hand-over that failed.
#[derive(Debug)]
pub(in crate::app) struct Keeper {
    backups: Backups,
    db: Db,
    /// Nothing while another process has the store.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Keeper {
    /// Begins.
    pub(in crate::app) fn begin(backups: Backups, db: Db) -> Self {
        let keeper = Self { backups, db, running: Mutex::new(None) };
        keeper.resume();
        keeper
    }

    /// Begins again.
    pub(in crate::app) fn resume(&self) {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for task in self.backups.tasks(&self.db) {
            tasks.spawn(backup::run(task, stopping.clone()));
        }
        *self.lock() = Some(Running { tasks, stop });
    }

    /// Ends the tasks; answers whether they ran.
    pub(in crate::app) async fn rest(&self) -> bool {
        let Some(Running { mut tasks, stop }) = self.lock().take() else { return false };
        stop.send_replace(true);
        let ended = timeout(END_LIMIT, async {
            while let Some(ended) = tasks.join_next().await {
                if ended.is_err() {
                    tracing::error!("a task of the backups ended by a fault of its own");
                }
            }
        });
        if ended.await.is_err() {
            tasks.abort_all();
        }
        true
    }

    /// Ships what the closed store has captured. What takes longer is shipped by whoever opens the store next.
    pub(in crate::app) async fn ship(&self, limit: Duration) {
        let Some(vault) = self.backups.of_store().filter(|_| self.db.capture_status().is_some()) else { return };
        match timeout(limit, backup::ship(vault, backup::STORE, &self.db)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    error = error.chain(),
                    "the last changes were not shipped; they wait for the next start"
                );
            }
            Err(_) => tracing::warn!("the last changes were not shipped in time; they wait for the next start"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
