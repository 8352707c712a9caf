//! A circuit breaker around a service.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Ask;
use crate::{CircuitBreaker, Open, Outcome, Ticket};

/// Asks a breaker before each call, and tells it how the call ended. All services that one layer is put around share its breaker: they are
/// one service to it.
///
/// The future ends with the head of a streamed answer, and so does the call for the breaker.
#[derive(Clone, Debug)]
pub struct BreakerLayer<J> {
    breaker: CircuitBreaker,
    judge: J,
}

impl<J> BreakerLayer<J> {
    /// `judge` is shown each result, and says what it tells of the service. It is not the service that failed when a client asked for what is
    /// not there, and it is when an answer says 503.
    #[must_use]
    pub const fn new(breaker: CircuitBreaker, judge: J) -> Self {
        Self { breaker, judge }
    }
}

impl<S, J: Clone> Layer<S> for BreakerLayer<J> {
    type Service = BreakerService<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService { inner, breaker: self.breaker.clone(), judge: self.judge.clone() }
    }
}

/// The service of a [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct BreakerService<S, J> {
    inner: S,
    breaker: CircuitBreaker,
    judge: J,
}

/// Why a call through a breaker brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreakerError<E> {
    /// The service is left alone, and was not asked.
    #[error(transparent)]
    Open(Open),
    /// The service failed.
    #[error("the service failed")]
    Service(#[source] E),
}

impl<S, R, J> Service<R> for BreakerService<S, J>
where
    S: Service<R> + Clone,
    J: Fn(&Result<S::Response, S::Error>) -> Outcome + Clone,
{
    type Response = S::Response;
    type Error = BreakerError<S::Error>;
    type Future = BreakerFuture<S, R, J>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A service that is left alone is not asked whether it is ready either.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (ticket, refused) = match self.breaker.ticket() {
            Ok(ticket) => (Some(ticket), None),
            Err(open) => (None, Some(open)),
        };
        BreakerFuture { asked: Ask::new(self.inner.clone(), request), ticket, refused, judge: self.judge.clone() }
    }
}

pin_project! {
    /// The future of a [`BreakerService`]. Dropped before its end, it says nothing about the service.
    #[must_use = "futures do nothing unless polled"]
    pub struct BreakerFuture<S, R, J>
    where
        S: Service<R>,
    {
        #[pin]
        asked: Ask<S, R>,
        ticket: Option<Ticket>,
        refused: Option<Open>,
        judge: J,
    }
}

impl<S: Service<R>, R, J> fmt::Debug for BreakerFuture<S, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerFuture").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

impl<S, R, J> Future for BreakerFuture<S, R, J>
where
    S: Service<R>,
    J: Fn(&Result<S::Response, S::Error>) -> Outcome,
{
    type Output = Result<S::Response, BreakerError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(open) = *this.refused {
            return Poll::Ready(Err(BreakerError::Open(open)));
        }
        let result = ready!(this.asked.poll(cx));
        if let Some(ticket) = this.ticket.take() {
            match (this.judge)(&result) {
                Outcome::Succeeded => ticket.succeeded(),
                Outcome::Failed => ticket.failed(),
                Outcome::Abandoned => drop(ticket),
            }
        }
        Poll::Ready(result.map_err(BreakerError::Service))
    }
}
