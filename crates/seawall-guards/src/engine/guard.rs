//! The guard trait: what a guard may say, and when it is asked.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Response, request, response};
use seawall_core::{problem::Problem, reply::BoxFuture};

use super::Context;
use crate::{deadline::Deadlines, retry::Retries, websocket::SocketRules};

/// The head of a request: method, target, version, headers, extensions.
pub type Head = request::Parts;

/// The head of an answer: status, version, headers, extensions.
pub type AnswerHead = response::Parts;

/// A decision about an inbound request. All methods are synchronous and quick; a head whose decision must wait answers
/// [`Verdict::Later`].
pub trait Guard: fmt::Debug + Send + Sync {
    /// Looks at the head before anything is sent on; may change it.
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let _ = (head, context);
        Verdict::Pass
    }

    /// The request goes on although `head` refused it, because the guard only reports. What `head` takes when it passes
    /// must be taken here, since `finish` will give it back.
    fn admitted(&self) {}

    /// Called once when the body passed the limit that [`Guard::needs`] gave; nothing lets it pass. There is no waiting here.
    fn body(&self, context: &mut Context) -> Option<Stop> {
        let _ = context;
        None
    }

    /// Looks at the head of the target's answer; what it gives takes the answer's place. There is no waiting here.
    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        let _ = (answer, context);
        None
    }

    /// Dresses every answer, whoever gave it, refusals of other guards included.
    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        let _ = (answer, context);
    }

    /// The end of the exchange, however it ended. Called once for each guard whose `head` passed: what was taken there
    /// is given back here.
    fn finish(&self, end: &End, context: &Context) {
        let _ = (end, context);
    }

    /// What the guard needs from the stages around it.
    fn needs(&self) -> Needs {
        Needs::default()
    }
}

/// What a guard says.
pub enum Verdict {
    /// Go on.
    Pass,
    /// Refuse with a problem; in report-only mode it is recorded and the request goes on.
    Refuse(Box<Problem>),
    /// Answer here; nothing is sent on.
    Answer(Box<Response<Bytes>>),
    /// The answer comes from elsewhere.
    Later(BoxFuture<'static, Settle>),
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::Refuse(problem) => write!(f, "Refuse({})", problem.kind.slug),
            Self::Answer(answer) => write!(f, "Answer({})", answer.status()),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// What a guard says once its wait is over, with the request in hand again.
pub type Settle = Box<dyn FnOnce(&mut Head, &mut Context) -> Verdict + Send>;

/// Why a request goes no further.
#[derive(Debug)]
pub enum Stop {
    /// It was refused.
    Refused(Box<Problem>),
    /// It was answered.
    Answered(Box<Response<Bytes>>),
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether any byte of the request was sent to the target.
    pub sent: bool,
    /// The status answered; nothing when the client left first.
    pub status: Option<http::StatusCode>,
}

/// What guards need from the stages around them; a policy merges those of its guards.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The body is counted while it streams, and [`Guard::body`] asked when it passes so many bytes.
    pub body_limit: Option<u64>,
    /// Time limits of the exchange.
    pub deadlines: Option<Deadlines>,
    /// How a failed request may be sent to the upstream again.
    pub retries: Option<Retries>,
    /// What holds for the frames of a WebSocket.
    pub sockets: Option<Arc<SocketRules>>,
}
