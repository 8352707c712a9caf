//! The watchdog of a connection: closes it when what it waits for does not come in time, lets it finish when the server drains,
//! and says when it can rest.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::Instant;

use super::{Activity, activity::Expiry};
use crate::{core::Core, timer::Timer};

/// How a connection left its watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is over.
    Ended,
    /// Nothing is due on it, and nobody has asked for a moment: all that reads and writes messages can be put away.
    Quiet,
}

/// Polls until ready, or until a connection that has yet to begin was silent for too long. While the server drains it has less
/// time.
pub(super) async fn unless_silent<T>(
    core: &Core,
    activity: &Activity,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, Expiry> {
    // From the beginning of the connection, whatever has come before.
    let limit = activity.deadline(&core.settings()).map_or_else(Instant::now, |(deadline, _)| deadline);
    let mut timer = core.timers.at(limit);
    let mut hurried = false;
    poll_fn(|cx| {
        activity.watch(cx.waker());
        if let Poll::Ready(came) = poll(cx) {
            return Poll::Ready(Ok(came));
        }
        if activity.draining() && !hurried {
            hurried = true;
            if let Some((deadline, _)) = activity.deadline(&core.settings()) {
                timer.reset(deadline);
            }
        }
        expired(core, activity, &mut timer, cx).map(Err)
    })
    .await
}

/// Runs a connection until it ends or can rest.
pub(super) async fn watched<C: Future>(
    core: &Core,
    activity: &Activity,
    mut connection: Pin<&mut C>,
    shut_down: fn(Pin<&mut C>),
) -> Left {
    let settings = core.settings();
    let first_look = Instant::now() + settings.header.min(settings.idle);
    // One that rested may have waited for nearly all of its time.
    let deadline = activity.deadline(&settings).map_or(first_look, |(deadline, _)| deadline);
    let mut timer = core.timers.at(first_look.min(deadline));
    let (mut told, mut counted) = (false, false);
    poll_fn(|cx| {
        activity.watch(cx.waker());
        // A head that has begun is read to its end and answered; only then is the connection told.
        if activity.draining() && !activity.reading_head() && !told {
            told = true;
            shut_down(connection.as_mut());
        }
        let polled = connection.as_mut().poll(cx);
        if !counted && let Some(refused) = activity.refused() {
            counted = true;
            core.meters.refusals.count(refused.refusal);
        }
        // An error here is the client's end of the connection; the exchange has logged what it cost.
        if polled.is_ready() {
            return Poll::Ready(Left::Ended);
        }
        activity.observe();
        if activity.rests() && !told {
            return Poll::Ready(Left::Quiet);
        }
        match expired(core, activity, &mut timer, cx) {
            Poll::Ready(Expiry::Idle) if !told => {
                // HTTP/2 says goodbye first.
                told = true;
                shut_down(connection.as_mut());
                connection.as_mut().poll(cx).map(|_| Left::Ended)
            }
            expired => expired.map(|_| Left::Ended),
        }
    })
    .await
}

/// Ready when the connection waited for too long. The timer is moved only when it fires, or when a head begins: a
/// connection that serves request after request never touches it.
fn expired(core: &Core, activity: &Activity, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Expiry> {
    let settings = &*core.settings();
    if let Some((deadline, Expiry::SlowHead)) = activity.deadline(settings)
        && activity.arm_head()
    {
        timer.reset(deadline);
    }
    while Pin::new(&mut *timer).poll(cx).is_ready() {
        let now = Instant::now();
        match activity.deadline(settings) {
            Some((deadline, expiry)) if deadline <= now => {
                match expiry {
                    Expiry::Silent => core.meters.silent.increment(),
                    Expiry::SlowHead => core.meters.slow_head.increment(),
                    Expiry::Idle => core.meters.idle.increment(),
                    Expiry::SlowReader => core.meters.slow_reader.increment(),
                }
                // A connection that was told to close and does not is cut at the next look.
                timer.reset(now + settings.header);
                return Poll::Ready(expiry);
            }
            Some((deadline, _)) => timer.reset(deadline),
            None if activity.stalled(now, |ends| core.send_queues.left(ends))
                || activity.refuses_answer(settings.send) =>
            {
                activity.cut();
                core.meters.slow_reader.increment();
                return Poll::Ready(Expiry::SlowReader);
            }
            None => timer.reset(now + settings.idle.min(settings.send)),
        }
    }
    Poll::Pending
}
