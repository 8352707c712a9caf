//! Timers that are used again: a request arms one and seldom waits for it, and moving a timer later takes no lock.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Timers kept for the next request.
const MOST_KEPT: usize = 1_024;

/// The spare timers of one core.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers(Rc<RefCell<Vec<Pin<Box<Sleep>>>>>);

/// A timer on loan; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    home: Timers,
}

impl Timers {
    /// A timer that fires at `deadline`.
    pub(crate) fn at(&self, deadline: Instant) -> Timer {
        let spare = self.0.borrow_mut().pop();
        let sleep = match spare {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline);
                sleep
            }
            None => Box::pin(sleep_until(deadline)),
        };
        Timer { sleep: Some(sleep), home: self.clone() }
    }
}

impl Timer {
    /// Moves the timer.
    pub(crate) fn reset(&mut self, deadline: Instant) {
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(deadline);
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Ready(()), |sleep| sleep.as_mut().poll(cx))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut home = self.home.0.borrow_mut();
        if let Some(sleep) = self.sleep.take().filter(|_| home.len() < MOST_KEPT) {
            home.push(sleep);
        }
    }
}
