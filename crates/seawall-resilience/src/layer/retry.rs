//! Retries around a service.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

use super::Ask;
use crate::{Deadline, GaveUp, Next, Retry, RetryError};

/// Makes a call again that failed in passing, as [`Retry`] says: its attempts, its waits, its budget, and the earlier of its deadline and
/// [`Deadline::current`].
#[derive(Clone, Debug)]
pub struct RetryLayer<C, J> {
    retry: Retry,
    copy: C,
    judge: J,
}

impl<C, J> RetryLayer<C, J> {
    /// `copy` gives a request for one more attempt, or nothing for one that must not be sent twice. `judge` is shown each result and says what
    /// follows; [`Next::GiveUp`] ends the call with it, be it good or bad, and a `Retry-After` becomes [`Next::AgainAfter`]. An answer that was to be
    /// improved and is the last is given as it is.
    #[must_use]
    pub const fn new(retry: Retry, copy: C, judge: J) -> Self {
        Self { retry, copy, judge }
    }
}

impl<S, C: Clone, J: Clone> Layer<S> for RetryLayer<C, J> {
    type Service = RetryService<S, C, J>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { retry, copy, judge } = self.clone();
        RetryService { inner, retry, copy, judge }
    }
}

/// The service of a [`RetryLayer`].
#[derive(Clone, Debug)]
pub struct RetryService<S, C, J> {
    inner: S,
    retry: Retry,
    copy: C,
    judge: J,
}

/// The future of a [`RetryService`]. Boxed, because the waits between attempts have no type of their own.
pub type RetryFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, RetryError<E>>> + Send>>;

impl<S, R, C, J> Service<R> for RetryService<S, C, J>
where
    S: Service<R> + Clone + Send + 'static,
    S::Response: Send,
    S::Error: Send,
    S::Future: Send,
    R: Send + 'static,
    C: Fn(&R) -> Option<R> + Clone + Send + 'static,
    J: Fn(&Result<S::Response, S::Error>) -> Next + Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = RetryError<S::Error>;
    type Future = RetryFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let deadline = self.retry.deadline().min(Deadline::current());
        let retry = self.retry.clone().under(deadline);
        Box::pin(attempts(retry, deadline, self.inner.clone(), request, (self.copy.clone(), self.judge.clone())))
    }
}

async fn attempts<S, R>(
    retry: Retry,
    deadline: Deadline,
    service: S,
    mut request: R,
    (copy, judge): (impl Fn(&R) -> Option<R>, impl Fn(&Result<S::Response, S::Error>) -> Next),
) -> Result<S::Response, RetryError<S::Error>>
where
    S: Service<R> + Clone,
{
    retry.requested();
    let (mut made, mut last) = (0, None);
    loop {
        let spare = copy(&request);
        let result = deadline.run(Ask::new(service.clone(), request)).await;
        made += 1;
        let Ok(result) = result else { return Err(RetryError::TimedOut { attempts: made, last }) };
        // For what is not sent again nothing is withdrawn from the budget.
        let again = spare.ok_or(GaveUp::Final);
        let again = again.and_then(|spare| Ok((spare, retry.wait(made, judge(&result), fastrand::u64(..))?)));
        let (spare, wait) = match again {
            Ok(again) => again,
            Err(gave_up) => return result.map_err(|error| RetryError::Failed { attempts: made, gave_up, error }),
        };
        last = result.err();
        tokio::time::sleep(wait).await;
        request = spare;
    }
}
