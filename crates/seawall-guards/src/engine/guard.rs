//! The guard trait: what a guard may say, and when it is asked.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, Response, request, response};
use seawall_core::{problem::Problem, reply::BoxFuture};

use super::{Context, Expected, Follow, Hold, Inspect};
use crate::{conditional::Current, deadline::Deadlines, report::Gauge, retry::Retries, websocket::SocketRules};

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

    /// The request goes on although `head` refused or answered it, because the guard only reports. What is taken here is no more than a count of
    /// such requests: taking what others would then lack would change who else is reported. [`Guard::released`] gives it back.
    fn admitted(&self) {}

    /// The end of an exchange that was [`Guard::admitted`], in place of [`Guard::finish`] and like that when [`Needs::finishes`] said so.
    fn released(&self) {}

    /// Says which of the guard's settings the request is beyond, so that the report can tell which would fit. Asked while the guard only
    /// reports: with the head once `head` is decided, whether or not it would be refused, and without it when a body or an answer
    /// would be. Most guards measure nothing; then the problem's documentation says what to do.
    fn measure(&self, head: Option<&Head>, gauge: &Gauge<'_>) {
        let _ = (head, gauge);
    }

    /// Says whether it looks at the request's body before anything is sent on, and how. Asked once the head has passed all guards, of
    /// requests to the application that may have a body, when [`Needs::inspects`] said so. What Seawall answers itself reads its
    /// bodies itself.
    ///
    /// # Errors
    /// The problem that the request is refused with before its body is read.
    fn inspect(
        &self,
        head: &mut Head,
        expected: &Expected,
        context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        let _ = (head, expected, context);
        Ok(None)
    }

    /// Told what was found of the resource that the request changes, when it asked for that ([`Context::conditional`]). There is no waiting here.
    fn current(&self, current: &Current, context: &mut Context) -> Option<Stop> {
        let _ = (current, context);
        None
    }

    /// Called once when the body passed the limit that [`Guard::needs`] gave; nothing lets it pass. There is no waiting here.
    fn body(&self, context: &mut Context) -> Option<Stop> {
        let _ = context;
        None
    }

    /// Says whether it looks at the application's answer as it passes, and only tells what it sees. Asked before [`Guard::answer`], in either
    /// mode, when [`Needs::follows`] said so.
    fn follow(&self, answer: &AnswerHead, context: &mut Context) -> Option<Box<dyn Follow>> {
        let _ = (answer, context);
        None
    }

    /// Looks at the head of the target's answer; what it gives takes the answer's place. There is no waiting here. Asked when
    /// [`Needs::answers`] said so.
    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        let _ = (answer, context);
        None
    }

    /// Says whether it holds the target's answer until it has seen its body. Asked after [`Guard::answer`], when [`Needs::holds`] said so.
    fn hold(&self, answer: &AnswerHead, context: &mut Context) -> Option<Box<dyn Hold>> {
        let _ = (answer, context);
        None
    }

    /// Dresses every answer, whoever gave it, refusals of other guards included. Not asked while the guard only reports. Asked when
    /// [`Needs::dresses`] said so.
    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        let _ = (answer, context);
    }

    /// Dresses answers in place of `dress` while the guard only reports. What the application says stands.
    fn dress_reporting(&self, answer: &mut AnswerHead, context: &Context) {
        let _ = (answer, context);
    }

    /// The end of the exchange, however it ended. Called once for each guard whose `head` passed: what was taken there
    /// is given back here. Asked when [`Needs::finishes`] said so.
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
    /// Answer here; nothing is sent on. In report-only mode the request goes on, so that nobody is answered otherwise for it.
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
    /// Whether [`Guard::inspect`] is asked.
    pub inspects: bool,
    /// Whether it wants what an earlier guard read of a JSON body ([`Context::json`]).
    pub tree: bool,
    /// Whether [`Guard::hold`] is asked.
    pub holds: bool,
    /// Whether [`Guard::follow`] is asked.
    pub follows: bool,
    /// Whether [`Guard::answer`] is asked.
    pub answers: bool,
    /// Whether [`Guard::dress`] is asked, or [`Guard::dress_reporting`] in its place.
    pub dresses: bool,
    /// Whether [`Guard::finish`] is asked, or [`Guard::released`] in its place.
    pub finishes: bool,
    /// The field whose requests are carried on although their client leaves, so that what comes of them is known.
    pub carried_on: Option<HeaderName>,
    /// Time limits of the exchange.
    pub deadlines: Option<Deadlines>,
    /// How a failed request may be sent to the upstream again.
    pub retries: Option<Retries>,
    /// What holds for the frames of a WebSocket.
    pub sockets: Option<Arc<SocketRules>>,
}
