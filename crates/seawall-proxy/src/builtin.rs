//! The way to built-in targets: a typed message to the control plane and its answer, without a second HTTP parse.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use seawall_core::{facts::Facts, problem::Problem};
use tokio::sync::{mpsc, oneshot};

use crate::problems::{BUILTIN_UNAVAILABLE, TIMED_OUT};

/// How long a built-in target may take.
const USUALLY: Duration = Duration::from_secs(30);

/// One request for a built-in target.
#[derive(Debug)]
pub struct BuiltinRequest {
    /// The request.
    pub request: Request<Bytes>,
    /// What is known of it.
    pub facts: Facts,
    /// Where the answer goes; dropped, the client is told to try again.
    pub reply: oneshot::Sender<Result<Response<BuiltinBody>, Problem>>,
}

/// The body of a built-in target's answer.
#[derive(Debug)]
pub enum BuiltinBody {
    /// It is here.
    Whole(Bytes),
    /// It comes in parts, over a way of bounded length. That ends when the body does; whoever writes sees by it when the client has left. A
    /// sentence for the log says why the body breaks off.
    Streamed(mpsc::Receiver<Result<Bytes, Cow<'static, str>>>),
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// As long as a built-in target may take.
    Usual,
    /// As long as the target itself takes, which bounds it; and this, where there is a limit.
    OfTarget(Option<Duration>),
}

/// The sending half; one for each core.
#[derive(Clone, Debug)]
pub struct Builtins(mpsc::Sender<BuiltinRequest>);

impl Builtins {
    /// A way with room for `capacity` requests, and its receiving end on the control plane.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<BuiltinRequest>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// Asks a built-in target.
    ///
    /// # Errors
    /// The target's own problem; that the control plane is busy, too slow, or stopping; that this exchange took as long as it may.
    pub(crate) async fn ask(
        &self,
        request: Request<Bytes>,
        facts: Facts,
        patience: Patience,
    ) -> Result<Response<BuiltinBody>, Box<Problem>> {
        let unavailable =
            |inside: &'static str| Box::new(Problem::new(&BUILTIN_UNAVAILABLE).inside(inside).retry_after(1));
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send(BuiltinRequest { request, facts, reply })
            .map_err(|_| unavailable("the way to the control plane is full"))?;
        let answer = match patience {
            Patience::Usual => match tokio::time::timeout(USUALLY, answer).await {
                Ok(answer) => answer,
                Err(_) => return Err(unavailable("the control plane gave no answer in time")),
            },
            Patience::OfTarget(Some(left)) => match tokio::time::timeout(left, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    let problem =
                        Problem::new(&TIMED_OUT).detail("The answer took longer than the request may take in all.");
                    return Err(Box::new(problem.inside("the whole exchange took as long as it may")));
                }
            },
            Patience::OfTarget(None) => answer.await,
        };
        match answer {
            Ok(answer) => answer.map_err(Box::new),
            Err(_) => Err(unavailable("the control plane has no place for the request, or dropped it")),
        }
    }
}
