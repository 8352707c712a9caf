//! The hold on an answer until it is kept.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use seawall_core::{fault, idempotency::points, reply::Reply};

use super::guard::{Deciding, when};
use crate::{AnswerHead, Context, Held, Hold, Stop};

/// Holds the answer until it is kept.
#[derive(Debug)]
pub(super) struct Keeping {
    deciding: Arc<Deciding>,
    /// What came of it; nothing when it is not kept.
    body: Option<BytesMut>,
}

impl Keeping {
    pub(super) fn new(deciding: &Arc<Deciding>, kept: bool) -> Self {
        Self { deciding: Arc::clone(deciding), body: kept.then(BytesMut::new) }
    }
}

impl Hold for Keeping {
    fn wants(&self) -> bool {
        self.body.is_some()
    }

    fn part(&mut self, part: &[u8]) -> bool {
        let most = self.deciding.rules.max_answer();
        self.body.take_if(|body| body.len() + part.len() > most);
        if let Some(body) = &mut self.body {
            body.extend_from_slice(part);
        }
        self.body.is_some()
    }

    fn held_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, BytesMut::capacity)
    }

    fn end(self: Box<Self>, whole: bool, answer: &mut AnswerHead, context: &mut Context) -> Held {
        let Some(attempt) = context.attempt.take() else { return Held::Pass };
        let Self { deciding, body } = *self;
        fault::point(points::ANSWER_WHOLE);
        let kept = |body: &BytesMut| {
            let size = body.len() + answer.headers.iter().map(|(_, value)| value.len()).sum::<usize>();
            whole && (context.principal.is_some() || deciding.budget.takes(context.client, size, context.now))
        };
        let body: Option<Bytes> = body.filter(kept).map(BytesMut::freeze);
        let ending = deciding.rules.answered(answer.status, &answer.headers, body);
        match deciding.store.settle(&attempt.lease, ending, when(context)) {
            Reply::Ready(settled) => match deciding.rules.settled(settled) {
                Some(problem) => Held::Stop(Stop::Refused(problem)),
                None => Held::Pass,
            },
            Reply::Later(wait) => {
                Held::Later(Box::pin(async move { deciding.rules.settled(wait.await).map(Stop::Refused) }))
            }
        }
    }
}
