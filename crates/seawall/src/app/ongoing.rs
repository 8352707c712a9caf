//! How many requests to Seawall itself are being answered: signing in is several steps in the store, which is not given away between them.

use std::sync::Arc;

use tokio::sync::watch;

/// Those requests; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Ongoing(Arc<watch::Sender<usize>>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Answering(Ongoing);

impl Ongoing {
    /// One more is being answered.
    pub(super) fn begin(&self) -> Answering {
        self.0.send_modify(|ongoing| *ongoing += 1);
        Answering(self.clone())
    }

    /// Ends when none is.
    pub(super) async fn ended(&self) {
        let mut ongoing = self.0.subscribe();
        // The sender is held here.
        let _closed = ongoing.wait_for(|ongoing| *ongoing == 0).await;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.send_modify(|ongoing| *ongoing = ongoing.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn the_last_one_is_waited_for() {
        let ongoing = Ongoing::default();
        let (first, second) = (ongoing.begin(), ongoing.clone().begin());
        let mut ended = pin!(ongoing.ended());
        let mut context = Context::from_waker(Waker::noop());
        drop(first);
        assert!(ended.as_mut().poll(&mut context).is_pending());
        drop(second);
        assert!(ended.as_mut().poll(&mut context).is_ready());
    }
}
