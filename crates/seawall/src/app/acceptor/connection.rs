//! One connection of the control plane, served until it ends or waits for too long.

use std::{
    convert::Infallible,
    error::Error,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1::Builder,
    service::{Service, service_fn},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};

use super::{
    Limits,
    pace::{Answering, Expiry, Pace, Paced},
};

/// What is kept of one direction: more than any head may have.
const MOST_BUFFERED_BYTES: usize = 64 * 1024;

/// Serves a connection; gives why it was closed when it waited for too long. Once `given_up` ends it closes after the answer due.
pub(super) async fn serve<T, S, B>(
    stream: T,
    service: S,
    limits: Limits,
    given_up: impl Future<Output = ()>,
) -> Option<Expiry>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static,
{
    let pace = Pace::new();
    let begins = Arc::clone(&pace);
    let answer = service_fn(move |request| {
        let answering = begins.began();
        let answer = service.call(request);
        async move { answer.await.map(|answer| answer.map(|body| Counted { body, _answering: answering })) }
    });
    let stream = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    let mut builder = Builder::new();
    // The times are kept here; hyper knows one for heads and idleness together.
    builder.header_read_timeout(None).max_buf_size(MOST_BUFFERED_BYTES);
    let mut connection = pin!(builder.serve_connection(stream, answer));
    let mut given_up = pin!(given_up);
    let (mut given_up_at, mut told) = (None, false);
    let mut timer = pin!(sleep_until(Instant::now() + limits.first_byte));
    poll_fn(|cx| {
        if given_up_at.is_none() && given_up.as_mut().poll(cx).is_ready() {
            given_up_at = Some(Instant::now());
        }
        if given_up_at.is_some() && !told && pace.can_close() {
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        // A client that leaves, and a body that broke off, end the connection; whoever asked sees that.
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                tracing::debug!(error = &error as &dyn Error, "a connection of the control plane ended early");
            }
            return Poll::Ready(None);
        }
        if given_up_at.is_some() && !told && pace.can_close() {
            // An answer was begun or ended in this poll: hyper is told in the next.
            cx.waker().wake_by_ref();
        }
        let Some((deadline, expiry)) = pace.deadline(&limits, given_up_at) else { return Poll::Pending };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(expiry))
    })
    .await
}

/// The body of an answer, which is over when it is dropped.
#[derive(Debug)]
struct Counted<B> {
    body: B,
    _answering: Answering,
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
