//! One call of a service, once that is ready.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The future of a call that waits for the service to be ready, and makes the call then.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Ask<S, R>
    where
        S: Service<R>,
    {
        service: S,
        // Nothing once the call is made.
        request: Option<R>,
        #[pin]
        called: Option<S::Future>,
    }
}

impl<S: Service<R>, R> Ask<S, R> {
    pub(super) const fn new(service: S, request: R) -> Self {
        Self { service, request: Some(request), called: None }
    }
}

impl<S: Service<R>, R> Future for Ask<S, R> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.request.is_some() {
            ready!(this.service.poll_ready(cx))?;
        }
        if let Some(request) = this.request.take() {
            let called = this.service.call(request);
            this.called.set(Some(called));
        }
        // There is a request until there is a call.
        this.called.as_pin_mut().map_or(Poll::Pending, |called| called.poll(cx))
    }
}
