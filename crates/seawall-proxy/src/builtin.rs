//! The way to built-in targets: a typed message to the control plane and its answer, without a second HTTP parse.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use seawall_core::{facts::Facts, problem::Problem};
use tokio::sync::{mpsc, oneshot};

use crate::problems::BUILTIN_UNAVAILABLE;

/// How long a built-in target may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request for a built-in target.
#[derive(Debug)]
pub struct BuiltinRequest {
    /// The request.
    pub request: Request<Bytes>,
    /// What is known of it.
    pub facts: Facts,
    /// Where the answer goes; dropped, the client is told to try again.
    pub reply: oneshot::Sender<Result<Response<Bytes>, Problem>>,
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
    pub(crate) async fn ask(&self, request: Request<Bytes>, facts: Facts) -> Result<Response<Bytes>, Box<Problem>> {
        let unavailable =
            |inside: &'static str| Box::new(Problem::new(&BUILTIN_UNAVAILABLE).inside(inside).retry_after(1));
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send(BuiltinRequest { request, facts, reply })
            .map_err(|_| unavailable("the way to the control plane is full"))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer.map_err(Box::new),
            Ok(Err(_)) => Err(unavailable("the control plane has no place for the request, or dropped it")),
            Err(_) => Err(unavailable("the control plane gave no answer in time")),
        }
    }
}
