//! A deadline around each call, which whatever the call does can ask for.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{task::futures::TaskLocalFuture, time::Sleep};
use tower_layer::Layer;
use tower_service::Service;

use super::Ask;
use crate::{Deadline, TimedOut};

tokio::task_local! {
    static CURRENT: Deadline;
}

impl Deadline {
    /// That of the [`DeadlineLayer`] within which this is called; none outside of one, and none in a task that was spawned within.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(|deadline| *deadline).unwrap_or_default()
    }
}

/// Gives each call so long, the wait for readiness included. Within another, the earlier deadline holds. [`Deadline::current`] is that of the
/// call for whatever runs within, so that [`RetryLayer`](super::RetryLayer) and [`BulkheadLayer`](super::BulkheadLayer) end with it.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer {
    time: Duration,
}

impl DeadlineLayer {
    /// So long for each call, from the moment it is made.
    #[must_use]
    pub const fn after(time: Duration) -> Self {
        Self { time }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService { inner, time: self.time }
    }
}

/// The service of a [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct DeadlineService<S> {
    inner: S,
    time: Duration,
}

/// Why a call within a deadline brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadlineError<E> {
    /// The deadline passed first; the call was dropped.
    #[error(transparent)]
    TimedOut(TimedOut),
    /// The service failed.
    #[error("the service failed")]
    Service(#[source] E),
}

impl<S: Service<R> + Clone, R> Service<R> for DeadlineService<S> {
    type Response = S::Response;
    type Error = DeadlineError<S::Error>;
    type Future = DeadlineFuture<S, R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// # Panics
    /// Outside of a tokio runtime with time.
    fn call(&mut self, request: R) -> Self::Future {
        let deadline = Deadline::after(self.time).min(Deadline::current());
        let asked = CURRENT.scope(deadline, Ask::new(self.inner.clone(), request));
        DeadlineFuture { asked, over: deadline.instant().map(tokio::time::sleep_until) }
    }
}

pin_project! {
    /// The future of a [`DeadlineService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DeadlineFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        asked: TaskLocalFuture<Deadline, Ask<S, R>>,
        #[pin]
        over: Option<Sleep>,
    }
}

impl<S: Service<R>, R> Future for DeadlineFuture<S, R> {
    type Output = Result<S::Response, DeadlineError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // What is here is given though it is late.
        if let Poll::Ready(answer) = this.asked.poll(cx) {
            return Poll::Ready(answer.map_err(DeadlineError::Service));
        }
        let over = this.over.as_pin_mut().map_or(Poll::Pending, |over| over.poll(cx));
        over.map(|()| Err(DeadlineError::TimedOut(TimedOut)))
    }
}
