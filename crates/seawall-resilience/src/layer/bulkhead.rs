//! A bulkhead around a service.

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
use crate::{Bulkhead, BulkheadFull, Deadline, Permit};

/// Lets so many calls be at work at once, and so many wait until [`Deadline::current`]; the rest are refused at once. All services that one
/// layer is put around share its places.
///
/// A place is free again when the future of the call ends. Whoever streams an answer takes a [`Permit`] of the same bulkhead into its body.
#[derive(Clone, Debug)]
pub struct BulkheadLayer {
    bulkhead: Bulkhead,
}

impl BulkheadLayer {
    /// Places of this bulkhead.
    #[must_use]
    pub const fn new(bulkhead: Bulkhead) -> Self {
        Self { bulkhead }
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = BulkheadService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadService { inner, bulkhead: self.bulkhead.clone() }
    }
}

/// The service of a [`BulkheadLayer`].
#[derive(Clone, Debug)]
pub struct BulkheadService<S> {
    inner: S,
    bulkhead: Bulkhead,
}

/// Why a call through a bulkhead brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkheadError<E> {
    /// There was no place, and the service was not asked.
    #[error(transparent)]
    Full(BulkheadFull),
    /// The service failed.
    #[error("the service failed")]
    Service(#[source] E),
}

impl<S: Service<R> + Clone, R> Service<R> for BulkheadService<S> {
    type Response = S::Response;
    type Error = BulkheadError<S::Error>;
    type Future = BulkheadFuture<S, R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A place that were taken here would be lost with a clone that is never called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let place = self.bulkhead.try_acquire().map_or_else(
            |_| {
                let (bulkhead, deadline) = (self.bulkhead.clone(), Deadline::current());
                Place::Awaited(Box::pin(async move { bulkhead.acquire(deadline).await }))
            },
            |permit| Place::Taken { _permit: permit },
        );
        BulkheadFuture { asked: Ask::new(self.inner.clone(), request), place }
    }
}

pin_project! {
    /// The future of a [`BulkheadService`]. Dropping it gives its place back.
    #[must_use = "futures do nothing unless polled"]
    pub struct BulkheadFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        asked: Ask<S, R>,
        place: Place,
    }
}

/// The place of a call.
enum Place {
    Awaited(Pin<Box<dyn Future<Output = Result<Permit, BulkheadFull>> + Send>>),
    Taken {
        _permit: Permit,
    },
    /// The call is over.
    Left,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Awaited(_) => "Awaited",
            Self::Taken { .. } => "Taken",
            Self::Left => "Left",
        })
    }
}

impl<S: Service<R>, R> fmt::Debug for BulkheadFuture<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadFuture").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<S: Service<R>, R> Future for BulkheadFuture<S, R> {
    type Output = Result<S::Response, BulkheadError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Place::Awaited(wait) = this.place {
            let permit = ready!(wait.as_mut().poll(cx)).map_err(BulkheadError::Full)?;
            *this.place = Place::Taken { _permit: permit };
        }
        let result = ready!(this.asked.poll(cx));
        *this.place = Place::Left;
        Poll::Ready(result.map_err(BulkheadError::Service))
    }
}
