//! How far the work on backups is that somebody asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seawall_store::backup::{Progress, Step};
use serde_json::{Value, json};

/// The last step of what is being done for each name; shared by the work and whoever looks at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    steps: Arc<Mutex<BTreeMap<String, Step>>>,
    /// Who hears of each step besides.
    listener: Option<Progress>,
}

/// Work that is under way; the board forgets it with this.
pub(super) struct Work {
    board: Board,
    name: String,
}

impl Board {
    /// A board whose steps somebody hears too.
    pub(crate) fn heard_by(listener: Progress) -> Self {
        Self { listener: Some(listener), ..Self::default() }
    }

    /// Begins work on what has this name.
    pub(super) fn begin(&self, name: &str) -> Work {
        Work { board: self.clone(), name: name.to_owned() }
    }

    /// What is being done.
    pub(super) fn shown(&self) -> Value {
        let row = |(name, step): (&String, &Step)| {
            json!({
                "name": name,
                "phase": step.phase.name(),
                "done_bytes": step.done_bytes,
                "total_bytes": step.total_bytes,
            })
        };
        self.lock().iter().map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// Whoever does the work tells this.
    pub(super) fn progress(&self) -> Progress {
        let (board, name) = (self.board.clone(), self.name.clone());
        Progress::new(move |step| {
            board.lock().insert(name.clone(), step);
            if let Some(listener) = &board.listener {
                listener.hear(step);
            }
        })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.board.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use seawall_store::backup::Phase;

    use super::*;

    #[test]
    fn the_last_step_is_shown_while_the_work_goes_on() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&heard);
        let board = Board::heard_by(Progress::new(move |step| listener.lock().unwrap().push(step)));
        let work = board.begin("orders");
        let progress = work.progress();
        let step = |done_bytes| Step { phase: Phase::Upload, done_bytes, total_bytes: 20 };
        progress.hear(step(5));
        progress.hear(step(10));
        let row = json!({ "name": "orders", "phase": "upload", "done_bytes": 10, "total_bytes": 20 });
        assert_eq!(board.shown(), json!([row]));
        assert_eq!(*heard.lock().unwrap(), [step(5), step(10)]);
        drop(work);
        assert_eq!(board.shown(), json!([]));
    }
}
