//! Answers that are read to their end also when whoever asked has left, so that what they used is told by the provider.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use seawall_core::{
    problem::Problem,
    settings::{Raw, Setting, Shape, choice},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gateway::Refused;
use crate::{
    body::{Body, BodyError},
    problem::NO_ROOM,
    service::Answered,
};

/// Calls that go on without their caller, at most; further ones end when theirs leaves.
const MOST: usize = 1_024;

/// What becomes of a call whose caller leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WhenLeft {
    /// It ends.
    #[default]
    Cancel,
    /// Its answer is read to its end.
    Drain,
}

impl Setting for WhenLeft {
    const SHAPE: Shape = Shape::Choice(&["cancel", "drain"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("cancel", Self::Cancel), ("drain", Self::Drain)])
    }
}

/// Places for calls that may go on without their caller.
#[derive(Debug)]
pub(crate) struct Drains(Arc<Semaphore>);

impl Default for Drains {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Drains {
    /// Carries a call out to the end of its answer, whether its caller waits for it or not. It ends by its own clocks.
    pub(crate) async fn answered<C>(&self, calling: C) -> Result<Answered, Refused>
    where
        C: Future<Output = Result<Answered, Refused>> + Send + 'static,
    {
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else {
            tracing::warn!(most = MOST, "as many calls as may go on without their caller; this one ends with its own");
            return calling.await;
        };
        let task = tokio::spawn(async move {
            let Answered { response, attempts } = calling.await?;
            let response = response.map(|body| Drained { body: Some(body), place: Some(place) }.boxed_unsync());
            Ok(Answered { response, attempts })
        });
        match task.await {
            Ok(answered) => answered,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The program ends.
                Err(_) => Err(Refused(None, Problem::new(&NO_ROOM).into())),
            },
        }
    }
}

/// A body that is read to its end when nobody reads it any more.
struct Drained {
    body: Option<Body>,
    place: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Drained {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let (Some(mut body), place) = (self.body.take(), self.place.take()) else { return };
        // There is none when the program ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            while let Some(Ok(_read)) = body.frame().await {}
            drop(place);
        });
    }
}
